import { constants, createReadStream, promises as files, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { addAbortSignal } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { isatty, ReadStream } from 'node:tty'
import { Failure } from '../../shared/errors.ts'
import { interrupted } from '../io.ts'
import { fileErrorText } from '../system.ts'
import { utf8Of } from './utf8.ts'

interface Waiting {
  /** The setting that names the file, for errors. */
  from?: string
  signal: AbortSignal
  timeoutMs: number
}

/**
 * The text of a file. A signal or the deadline ends the wait, since a pipe may never end.
 * @throws Failure `usage` for a file that cannot be read or is not UTF-8, `timed_out` or `interrupted`
 */
export async function readText(path: string, { from, signal, timeoutMs }: Waiting): Promise<string> {
  const named = from === undefined ? '' : `${from}: `
  const late = AbortSignal.timeout(timeoutMs)
  const bytes = await contentOf(path, named, AbortSignal.any([signal, late])).catch((cause: unknown) => {
    if (cause instanceof Failure) throw cause
    if (signal.aborted) throw interrupted(signal)
    if (late.aborted) {
      throw new Failure('timed_out', `${named}${path} did not end within ${timeoutMs / 1000} s`, { cause })
    }
    if (!(cause instanceof Error && 'code' in cause)) throw cause
    throw new Failure('usage', `${named}cannot read ${path}: ${fileErrorText(cause)}`, { cause })
  })
  return utf8Of(bytes, `${named}${path}`)
}

/** The most bytes of a device: one such as /dev/zero never ends. */
const mostOfDevice = 64 * 1024 * 1024

/** The content of a file. Node reads files in threads and waits for them at exit, so a file that may block is read as a socket. */
async function contentOf(path: string, named: string, signal: AbortSignal): Promise<Buffer> {
  const about = await files.stat(path)
  if (!about.isFIFO() && !about.isCharacterDevice()) return files.readFile(path)
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  if (about.isFIFO()) return buffer(addAbortSignal(signal, new Socket({ fd, readable: true, writable: false })))
  if (isatty(fd)) return buffer(addAbortSignal(signal, new ReadStream(fd)))
  const content = await buffer(addAbortSignal(signal, createReadStream(path, { fd, end: mostOfDevice })))
  if (content.length > mostOfDevice) throw new Failure('usage', `${named}${path} is a device with more than 64 MiB`)
  return content
}
