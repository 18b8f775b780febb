import { fsyncSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import { NodeFS } from '@electric-sql/pglite/nodefs'
import * as z from 'zod'

const { folder, fsync } = z.object({ folder: z.string(), fsync: z.boolean() }).parse(workerData)

/** The part of Emscripten's file system that lacks fsync: without it, the database's fsync does nothing. */
interface NodeFileSystem {
  NODEFS: { stream_ops: { fsync?: (stream: { nfd: number }) => number } }
}
function withFsync(module: NodeFileSystem): void {
  module.NODEFS.stream_ops.fsync = ({ nfd }) => {
    fsyncSync(nfd)
    return 0
  }
}

class DurableFS extends NodeFS {
  override async init(...args: Parameters<NodeFS['init']>) {
    const { emscriptenOpts } = await super.init(...args)
    emscriptenOpts.preRun = [...(emscriptenOpts.preRun ?? []), withFsync]
    return { emscriptenOpts }
  }
}

/** Without `-F`, which turns fsync off. WebAssembly has no other method of syncing the write-ahead log. */
const durableParams = [
  ...PGlite.defaultStartParams.filter((param) => param !== '-F'),
  ...['-c', 'wal_sync_method=fsync'],
]

const database = await PGlite.create(
  fsync ? { fs: new DurableFS(folder), startParams: durableParams } : { fs: new NodeFS(folder) },
)

let work = Promise.resolve()
parentPort?.on('message', (message: Uint8Array | 'close') => {
  work = work.then(async () => {
    if (message !== 'close') {
      parentPort?.postMessage(await database.execProtocolRaw(message))
      return
    }
    await database.close()
    parentPort?.close()
  })
})
parentPort?.postMessage('ready')
