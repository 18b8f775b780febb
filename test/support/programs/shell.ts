import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import type { Ended } from './child.ts'
import { environmentOf, type JobsctlOptions } from './jobsctl.ts'

/** Runs a line in a POSIX shell, as a person or cron would. */
export async function shell(line: string, { env, stdin = '' }: JobsctlOptions = {}): Promise<Ended> {
  const child = spawn('sh', ['-c', line], {
    env: await environmentOf({ PATH: process.env.PATH, ...env }),
    timeout: 100_000,
  })
  child.stdin.on('error', () => {})
  child.stdin.end(stdin)
  const ended = once(child, 'close')
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { code: child.exitCode, out, err }
}

/** The words of a command line, as a POSIX shell reads them. */
export async function wordsOf(line: string): Promise<string[]> {
  const { out } = await shell(`set -- ${line}; printf '%s\\0' "$@"`)
  return out.split('\0').slice(0, -1)
}
