import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Account } from '../../../launch/postgres-binaries.ts'

interface Running {
  argv: readonly [string, ...string[]]
  /** Its working folder, by which all processes of a run are known; its output goes to the file `log` there. */
  folder: string
  account: Account
  /** The network namespace it runs in, if any. */
  namespace?: string | undefined
}

/** Starts a program as the account, in its folder and its network. */
export function run({ argv, folder, account, namespace }: Running): ChildProcess {
  const log = openSync(join(folder, 'log'), 'a')
  const [program, ...rest] = within(namespace, account, argv)
  const child = spawn(program, rest, {
    ...(namespace === undefined && account),
    cwd: folder,
    env: { PATH: `${process.env.PATH}:/usr/sbin:/sbin`, LANG: 'C.UTF-8', HOME: folder, PGTZ: 'UTC' },
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  return child
}

/** Only root may enter a namespace, so the account is taken on inside. */
function within(
  namespace: string | undefined,
  account: Account,
  argv: Running['argv'],
): readonly [string, ...string[]] {
  if (namespace === undefined) return argv
  const as: string[] = account
    ? ['setpriv', `--reuid=${account.uid}`, `--regid=${account.gid}`, '--clear-groups', '--']
    : []
  return ['ip', 'netns', 'exec', namespace, ...as, ...argv]
}

/** The processes whose working folder is this one or lies in it. */
export function processesIn(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const at = folderOf(pid)
      return at === folder || at?.startsWith(`${folder}/`)
    })
}

function folderOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return undefined // it has ended, or is another user's
  }
}

/** Sends a signal to processes; one that has ended meanwhile is left out. */
export function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
    }
  }
}

/** The process id of the postmaster of a data folder; undefined when there is none. */
export async function postmaster(data: string): Promise<number | undefined> {
  const [first] = (await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n')
  const pid = Number(first)
  return pid > 0 && folderOf(pid) === data ? pid : undefined
}
