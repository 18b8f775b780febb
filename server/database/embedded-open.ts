import { PGlite } from '@electric-sql/pglite'
import type { WatchedFiles } from './embedded-files.ts'

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
