import { parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import * as z from 'zod'
import { errorText } from '../../log/system-error.ts'
import { WatchedFiles } from './embedded-files.ts'
import { makeDatabase } from './embedded-make.ts'

/** What the database thread tells the server, beside the bytes of PostgreSQL's answers. */
export type ThreadMessage = 'open' | { stopped: string }

/** What the database thread is given at its start. */
export interface ThreadData {
  /** The folder of the database. */
  folder: string
  /** Wait for the disk at each commit. */
  fsync: boolean
  /** One 32-bit counter of file operations, by which the server sees that a long statement makes progress. */
  activity: SharedArrayBuffer
}

const { folder, fsync, activity } = z
  .object({ folder: z.string(), fsync: z.boolean(), activity: z.instanceof(SharedArrayBuffer) })
  .parse(workerData)

const tell = (message: ThreadMessage) => parentPort?.postMessage(message)

const counter = new Int32Array(activity)
const open = (at: string) => {
  const files = new WatchedFiles(at, {
    fsync,
    touched: () => void Atomics.add(counter, 0, 1),
    // Posted from within WebAssembly, because after an abort the thread never returns to its event loop.
    aborted: (reason) => tell({ stopped: reason }),
  })
  return openPglite(files, fsync).catch((cause: unknown) => {
    // PGlite itself only says that it failed to initialize.
    throw new Error(files.whyEnded ?? errorText(cause), { cause })
  })
}

await makeDatabase({ folder, open, fsync })
const database = await open(folder)

let work = Promise.resolve()
parentPort?.on('message', (message: Uint8Array | 'close') => {
  work = work
    .then(async () => {
      if (message !== 'close') {
        parentPort?.postMessage(await database.execProtocolRaw(message))
        return
      }
      await database.close()
      parentPort?.close()
    })
    .catch((error: unknown) => tell({ stopped: errorText(error) }))
})
tell('open')

/**
 * Opens the database in the folder of `files`, and makes it there when the folder is empty. Without fsync a commit does
 * not wait for the disk.
 */
export function openPglite(files: WatchedFiles, fsync: boolean): Promise<PGlite> {
  const { defaultStartParams } = PGlite
  // `-F` turns fsync off. WebAssembly has no method of syncing the write-ahead log but fsync.
  const durable = [...defaultStartParams.filter((param) => param !== '-F'), '-c', 'wal_sync_method=fsync']
  return PGlite.create({ fs: files, startParams: fsync ? durable : defaultStartParams })
}
