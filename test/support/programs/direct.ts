import { readdir, readFile } from 'node:fs/promises'
import postgres from 'postgres'
import type { TestDatabase } from '../database/database.ts'
import { built } from './built.ts'
import { startChild } from './child.ts'
import { environmentOf, type JobsctlOptions, runJobsctl, startJobsctl } from './jobsctl.ts'

/** A database without a server, and the command line on it. */
export interface DirectDatabase {
  url: string
  sql: postgres.Sql
  /** Runs the command line in the test's own process; the server that it starts is the built one. */
  jobsctl: (argv: string[], options?: JobsctlOptions) => ReturnType<typeof runJobsctl>
  /** Starts the built command line as a process. */
  start: (argv: string[], options?: JobsctlOptions) => ReturnType<typeof startJobsctl>
  /** Runs a command of the built server on the database. */
  jobsServer: (argv: string[]) => Promise<{ code: number | null; out: string; err: string }>
  drop: () => Promise<void>
}

export async function openDirectDatabase(found: Promise<TestDatabase>): Promise<DirectDatabase> {
  const { env, drop } = await found
  const url = env.JOBS_DB_URL ?? ''
  const sql = postgres(url, { max: 2, onnotice: () => {} })
  return {
    url,
    sql,
    jobsctl: (argv, options) => runJobsctl([...argv, '--db', url], options),
    start: (argv, options) => startJobsctl([...argv, '--db', url], options),
    jobsServer: async (argv) => startChild([built.server, ...argv], { env: await environmentOf(env) }).ended,
    drop: async () => {
      await sql.end()
      await drop()
    },
  }
}

/** A process of this machine as /proc shows it to every user. */
interface Shown {
  pid: number
  parent: number
  command: string
}

/** The processes of this machine; one that ends meanwhile is left out. */
export async function processes(): Promise<Shown[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    pids.map(async (pid) => {
      try {
        const [command, status] = await Promise.all([
          readFile(`/proc/${pid}/cmdline`, 'utf8'),
          readFile(`/proc/${pid}/stat`, 'utf8'),
        ])
        const [state, parent] = status.slice(status.lastIndexOf(')') + 2).split(' ')
        if (state === 'Z') return []
        return [{ pid: Number(pid), parent: Number(parent), command: command.replaceAll('\0', ' ') }]
      } catch {
        return []
      }
    }),
  )
  return found.flat()
}

/** The server that a command line has started; undefined before and after. */
export const serverOf = async (pid: number | undefined): Promise<Shown | undefined> =>
  (await processes()).find(({ parent, command }) => parent === pid && command.includes('--once'))

/** Enqueues jobs that are alike. */
export async function enqueue({ jobsctl }: Pick<DirectDatabase, 'jobsctl'>, n: number): Promise<void> {
  const line = JSON.stringify({ domain: 'app', queue: 'mail', job_type: 'send', payload: {} })
  const stdin = `${line}\n`.repeat(n)
  const { code, err } = await jobsctl(['enqueue', '--from', '-', '--yes'], { stdin })
  if (code !== 0) throw new Error(`jobsctl enqueue ended with ${code}: ${err}`)
}
