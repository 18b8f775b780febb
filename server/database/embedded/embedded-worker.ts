import { parentPort, workerData } from 'node:worker_threads'
import * as z from 'zod'
import { errorText } from '../../system-error.ts'
import { WatchedFiles } from './embedded-files.ts'
import { makeDatabase } from './embedded-make.ts'
import { openPglite } from './embedded-open.ts'
import type { ThreadMessage } from './embedded-protocol.ts'

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
