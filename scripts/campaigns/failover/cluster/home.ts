import { execFile } from 'node:child_process'
import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Account } from '../../../launch/postgres-binaries.ts'

/** What all parts of a cluster are started with. */
export interface Home {
  /** Each part has a folder of its own below this one. */
  folder: string
  account: Account
}

/** Makes a folder that the account owns, and returns its path. */
export async function makeFolder({ folder, account }: Home, name: string): Promise<string> {
  const path = join(folder, name)
  await mkdir(path)
  if (account) await promisify(execFile)('chown', [`${account.uid}:${account.gid}`, path])
  await chmod(path, 0o755)
  return path
}
