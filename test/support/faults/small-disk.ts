import { statfsSync } from 'node:fs'
import { mount, unmount } from '../../../scripts/campaigns/embedded/mounts.ts'
import { newFolder } from '../database/database.ts'

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
  if (!mount(folder, `size=${mib}m`)) return undefined
  return {
    folder,
    freeBytes: () => {
      const { bavail, bsize } = statfsSync(folder)
      return bavail * bsize
    },
    grow: (size) => void mount(folder, `remount,size=${size}m`),
    unmount: () => void unmount(folder),
  }
}
