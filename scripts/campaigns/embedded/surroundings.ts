import { spawnSync } from 'node:child_process'
import { serverProgram } from '../../launch/server.ts'

const succeeds = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0

/** A user that is not root, by number: it needs no name. */
export const otherUser = 12_345

/** Says that this process may not run the server as another user; undefined when it may. */
export function noOtherUser(): string | undefined {
  if (process.getuid?.() !== 0) return 'this process is not root, and cannot run a server as another user'
  const script = `require('node:fs').accessSync(${JSON.stringify(serverProgram)})`
  const { status } = spawnSync(process.execPath, ['-e', script], { uid: otherUser, gid: otherUser })
  return status === 0 ? undefined : 'another user may not read the built server'
}

/** Says that the memory of a process cannot be limited; undefined when it can. */
export const noLimit = (): string | undefined =>
  succeeds('prlimit', '--version') ? undefined : 'prlimit (util-linux) is not installed'

/** Gives a process no more than so many bytes of memory for data, from now on. */
export const limitMemory = (pid: number, bytes: number): boolean =>
  succeeds('prlimit', '--pid', String(pid), `--data=${bytes}`)
