import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Log } from '../../log/log.ts'

/** Room for the next two segments of PostgreSQL's write-ahead log, which have 16 MiB each. */
const roomMiB = 32
const lookEveryMs = 1000
/** A quota may be used up on a disk that has room: the next try is not made at once. */
const pauseMs = 5000

interface Waiting {
  /** A folder in the data folder. */
  folder: string
  log: Log
  signal: AbortSignal
}

/** Resolves when the disk of the folder has room for the database, or when the signal is aborted. */
export async function waitForRoom({ folder, log, signal }: Waiting): Promise<void> {
  const pause = (ms: number) => wait(ms, undefined, { ref: false, signal }).catch(() => {})
  const free = await freeMiB(folder)
  if (free >= roomMiB) return pause(pauseMs)
  log.warn(`the disk of the data folder is full; the embedded database is opened again when ${roomMiB} MiB are free`, {
    free_mib: free,
  })
  while (!signal.aborted && (await freeMiB(folder)) < roomMiB) await pause(lookEveryMs)
}

/** The free space in MiB that this process may use; infinity where the system does not tell. */
async function freeMiB(folder: string): Promise<number> {
  const disk = await statfs(dirname(folder)).catch(() => undefined)
  return disk ? Math.floor((disk.bavail * disk.bsize) / 2 ** 20) : Number.POSITIVE_INFINITY
}
