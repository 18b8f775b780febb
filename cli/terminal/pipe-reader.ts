import { fstatSync, lstatSync, readdirSync, readlinkSync } from 'node:fs'

/**
 * Watches who reads a pipe that this process writes. The events of a log may be hours apart, and the operating system reports only to the
 * next write that the reader has closed its end. Linux lists the open files of each process in `/proc`, where the end of the
 * reader is seen without a write.
 * @param fd the file descriptor of the pipe
 * @returns a function that tells whether the last reader has closed the pipe. It returns false where the system cannot
 *   tell: no pipe, no `/proc`, or a reader of another user
 */
export function watchReader(fd: number): () => boolean {
  const link = pipeLink(fd)
  if (link === undefined) return () => false
  let reader: string | undefined
  return () => {
    if (reader !== undefined && reads(reader, link)) return false
    const next = findReader(link)
    const isGone = reader !== undefined && next === undefined
    reader = next ?? reader
    return isGone
  }
}

/** How `/proc` names the pipe, such as `pipe:[4242]`. */
function pipeLink(fd: number): string | undefined {
  try {
    return fstatSync(fd).isFIFO() ? readlinkSync(`/proc/self/fd/${fd}`) : undefined
  } catch {
    return undefined
  }
}

/** The folder of a process that has the pipe open for reading. */
const findReader = (link: string): string | undefined =>
  namesIn('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => `/proc/${name}/fd`)
    .find((folder) => reads(folder, link))

const reads = (folder: string, link: string): boolean =>
  namesIn(folder).some((name) => {
    try {
      const path = `${folder}/${name}`
      // The permissions of such a link are the mode in which the file is open.
      return readlinkSync(path) === link && (lstatSync(path).mode & 0o400) !== 0
    } catch {
      return false // the file was closed meanwhile
    }
  })

/** Empty for a folder that is gone, or of another user. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
