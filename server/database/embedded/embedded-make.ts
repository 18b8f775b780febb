import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { syncPath } from './embedded-files.ts'

interface Making {
  /** The folder of the database. */
  folder: string
  /** Opens the database in a folder, and makes it there. */
  open: (folder: string) => Promise<{ close: () => Promise<void> }>
  fsync: boolean
}

/**
 * Makes the database in a folder beside its own and renames that folder, so that a server which is killed meanwhile
 * leaves no half-made database behind. Does nothing when the folder has files.
 */
export async function makeDatabase({ folder, open, fsync }: Making): Promise<void> {
  if (existsSync(folder) && readdirSync(folder).length > 0) return
  const unfinished = `${folder}.new`
  rmSync(unfinished, { recursive: true, force: true })
  const made = await open(unfinished)
  await made.close()
  if (fsync) syncTree(unfinished)
  rmSync(folder, { recursive: true, force: true })
  renameSync(unfinished, folder)
  if (fsync) syncPath(dirname(folder))
}

function syncTree(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) syncTree(path)
    else syncPath(path)
  }
  syncPath(folder)
}
