import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const succeeds = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0

/** Mounts a disk in memory with options such as `size=60m`, or mounts it again with others. */
export const mount = (folder: string, options: string): boolean =>
  succeeds('mount', '-t', 'tmpfs', '-o', `mode=700,${options}`, 'tmpfs', folder)

export const unmount = (folder: string): boolean => succeeds('umount', '-l', folder)

let mayMount: boolean | undefined

/** Says that this process may not mount a disk; undefined when it may. */
export function noMount(): string | undefined {
  if (mayMount === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'jobs-mount-'))
    mayMount = mount(folder, 'size=1m') && unmount(folder)
    rmdirSync(folder)
  }
  return mayMount ? undefined : 'this process may not mount a disk'
}
