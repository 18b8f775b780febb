import { spawnSync } from 'node:child_process'
import { statfsSync } from 'node:fs'
import { newFolder } from './database/database.ts'

/** A disk of its own that can be made larger. */
export interface SmallDisk {
  folder: string
  freeBytes: () => number
  grow: (mib: number) => void
  unmount: () => void
}

/** A disk in memory of so many MiB; undefined where this process may not mount one. */
export async function mountSmallDisk(mib: number): Promise<SmallDisk | undefined> {
  const folder = await newFolder('disk')
  const mount = (options: string) =>
    spawnSync('mount', ['-t', 'tmpfs', '-o', `mode=700,${options}`, 'tmpfs', folder]).status === 0
  if (!mount(`size=${mib}m`)) return undefined
  return {
    folder,
    freeBytes: () => {
      const { bavail, bsize } = statfsSync(folder)
      return bavail * bsize
    },
    grow: (size) => void mount(`remount,size=${size}m`),
    unmount: () => void spawnSync('umount', ['-l', folder]),
  }
}
