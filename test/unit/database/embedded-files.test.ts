import { closeSync, openSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { expect, it } from 'vitest'
import { type NodeFileSystem, WatchedFiles } from '../../../server/database/embedded/embedded-files.ts'

class OpenedFiles extends WatchedFiles {
  extend(module: NodeFileSystem): void {
    this.watch(module)
  }
}

it('a failed fsync is an error number of WebAssembly, and no exception inside of PostgreSQL', () => {
  const module: NodeFileSystem = {
    NODEFS: {
      tryFSOperation: (operation) => operation(),
      stream_ops: { read: () => 0, write: () => 0 },
    },
  }
  new OpenedFiles(tmpdir(), { fsync: true, touched: () => {}, aborted: () => {} }).extend(module)
  const nfd = openSync(tmpdir(), 'r')
  const fsync = () => module.NODEFS.stream_ops.fsync?.({ nfd })
  expect(fsync()).toBe(0)
  closeSync(nfd)
  expect(fsync()).toBe(29)
})
