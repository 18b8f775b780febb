import { promises as files } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Failure } from '../../shared/errors.ts'
import { commandLine } from '../../shared/text/shell.ts'
import { type Io, interrupted } from '../io.ts'
import { systemMessage } from '../system.ts'
import { readText } from './text-file.ts'

/** The source of a secret; never the value of a flag, which every process on the machine can read. */
export type SecretSource =
  | { kind: 'file'; path: string; from: string }
  | { kind: 'command'; argv: readonly string[]; from: string }
  | { kind: 'value'; value: string; from: string }

/**
 * The secret, without the white space around it.
 * @throws Failure `usage` for a source that cannot be read or a text that cannot be a key; the text is not in the error
 */
export async function readSecret(source: SecretSource, io: Io, timeoutMs: number): Promise<string> {
  const secret = await readSourceText(source, io, timeoutMs)
  if (!/^[\x21-\x7e]+$/.test(secret)) {
    throw new Failure('usage', `${source.from}: must be one line of printable ASCII without spaces`)
  }
  return secret
}

/**
 * The text of a source, without the white space around it.
 * @throws Failure `usage` for a source that cannot be read or is blank
 */
export async function readSourceText(source: SecretSource, io: Io, timeoutMs: number): Promise<string> {
  const text = (await textOf(source, io, timeoutMs)).trim()
  if (io.signal.aborted) throw interrupted(io.signal)
  if (text === '') throw new Failure('usage', `${source.from}: is empty`)
  return text
}

async function textOf(source: SecretSource, io: Io, timeoutMs: number): Promise<string> {
  if (source.kind === 'value') return source.value
  if (source.kind === 'command') return outputOf(source.argv, source.from, io.signal)
  const { path, from } = source
  if (path === '-') return io.readStdin()
  await refuseReadable(path, from, io.env.CREDENTIALS_DIRECTORY)
  return readText(path, { from, signal: io.signal, timeoutMs })
}

/**
 * Refuses a file that others can read. A file that cannot be examined is left to `readText`, which reports the error.
 * @param credentials the folder of systemd's credentials: an access control list lets the unit read them, and shows as rights of the group
 */
async function refuseReadable(path: string, from: string, credentials: string | undefined): Promise<void> {
  const file = await files.stat(path).catch(() => undefined)
  const isCredential = credentials && dirname(resolve(path)) === resolve(credentials)
  const ofOthers = isCredential ? 0o037 : 0o077
  if (file?.isFile() && process.platform !== 'win32' && (file.mode & ofOthers) !== 0) {
    throw new Failure('usage', `${from}: others can read ${path}; the key was not used`, {
      hint: commandLine(['chmod', '600', path]),
    })
  }
}

const commandTimeout = 5000

async function outputOf([program = '', ...args]: readonly string[], from: string, signal: AbortSignal) {
  const { execFile } = await import('node:child_process')
  const { promisify } = await import('node:util')
  try {
    const { stdout } = await promisify(execFile)(program, args, { timeout: commandTimeout, signal })
    return stdout
  } catch (cause) {
    if (signal.aborted) throw interrupted(signal)
    // The output may contain the secret, so the error has the name of the program only.
    const notRun = systemMessage(cause instanceof Error && 'code' in cause ? cause.code : undefined)
    const why = notRun ? `cannot be run: ${notRun}` : `failed, or took longer than ${commandTimeout / 1000} s`
    throw new Failure('usage', `${from}: ${program} ${why}`)
  }
}
