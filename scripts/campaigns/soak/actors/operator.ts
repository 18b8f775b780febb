import { setTimeout as wait } from 'node:timers/promises'
import type { Sql } from 'postgres'
import { exits } from '../../../../shared/exits.ts'
import { runJobsctl } from '../../../launch/jobsctl.ts'
import { within } from '../../within.ts'
import { pausedQueue } from '../queues.ts'
import type { CallFailure } from './failures.ts'

interface Operating {
  sql: Sql
  servers: readonly string[]
  /** The folder of HOME and of the policy. */
  folder: string
  failures: CallFailure[]
  signal: AbortSignal
}

/** A command, and the exit codes beside 0 that it may have while others work. */
interface Command {
  argv: readonly string[]
  may?: readonly number[]
}

const serverOf = ({ servers }: Operating): string => servers[Math.floor(Math.random() * servers.length)] ?? ''

const queueName = `${pausedQueue.domain}/${pausedQueue.queue}`
const resume: Command = { argv: ['resume', queueName, '--reason', 'soak'] }
/** No such job any more; another change runs in the scope; more jobs than `--max` came from the prune. */
const [notFound, conflict, overLimit] = [exits.not_found.code, exits.conflict.code, exits.over_limit.code]
/** How long the paused queue may take to be resumed at the end, in milliseconds. */
const resumeMs = 60_000

/** `jobsctl` with its HOME in the folder of the run. */
export const jobsctl = (url: string, argv: readonly string[], folder: string) =>
  runJobsctl(url, argv, { env: { HOME: folder }, cwd: folder })

/** An operator at a terminal: looks, prunes, takes back, retries, pauses, until `signal` aborts. Returns the number of commands. */
export async function operate(by: Operating): Promise<number> {
  let commands = 0
  while (!by.signal.aborted) {
    for (const command of await round(by.sql)) {
      if (by.signal.aborted) break
      await run(by, command)
      commands += 1
      await wait(300, undefined, { signal: by.signal }).catch(() => {})
    }
  }
  // It may have been stopped between the two commands, and jobs of a paused queue never end.
  const began = Date.now()
  const resumed = async () => (await jobsctl(serverOf(by), resume.argv, by.folder)).code === 0
  if (!(await within(resumeMs, resumed))) {
    by.failures.push({ what: `${queueName} stays paused`, server: 'both servers', began, ended: Date.now() })
  }
  return commands
}

async function round(sql: Sql): Promise<Command[]> {
  const [known] = await sql<{ job: string | null; prune: string | null }[]>`
    select
      (select id::text from jobs where id >= (select max(id) from jobs) - (random() * 1000)::int order by id limit 1) as job,
      (select id::text from job_operations where kind = 'prune' and state = 'done' order by id desc limit 1) as prune`
  const { job = null, prune = null } = known ?? {}
  const reason = ['--reason', 'soak', '--yes']
  return [
    { argv: ['stats', '--json'] },
    { argv: ['list', '--domain', pausedQueue.domain, '--status', 'completed'] },
    ...(job === null
      ? []
      : [{ argv: ['show', job] }, { argv: ['explain', job] }].map(({ argv }) => ({ argv, may: [notFound] }))),
    { argv: ['explain', queueName] },
    { argv: ['pause', queueName, '--reason', 'soak'] },
    { argv: ['queues'] },
    resume,
    { argv: ['retry', '--domain', 'mail', ...reason], may: [conflict] },
    { argv: ['requeue', '--domain', 'media', ...reason], may: [conflict] },
    { argv: ['prune', '--domain', 'media', '--older-than', '1d', ...reason], may: [conflict] },
    // A part of it, since jobs that came back are held from the next prune.
    ...(prune === null
      ? []
      : [
          {
            argv: ['undo', prune, '--domain', 'media', '--hold', '1m', '--max', '300', ...reason],
            may: [notFound, conflict, overLimit],
          },
        ]),
    { argv: ['history', '--since', '1h'] },
    { argv: ['workers'] },
    { argv: ['operations'] },
    { argv: ['operations', 'verify'] },
  ]
}

async function run(by: Operating, { argv, may = [] }: Command): Promise<void> {
  const { folder, failures } = by
  const server = serverOf(by)
  const began = Date.now()
  const { code, err } = await jobsctl(server, argv, folder)
  if (code === 0 || (code !== null && may.includes(code))) return
  const what = `jobsctl ${argv.join(' ')} exited with ${code}: ${err.trim().slice(0, 300)}`
  failures.push({ what, server, began, ended: Date.now() })
}

/** Another program moves the ends of jobs two days into the past, so that policy and operators have something to prune. */
export async function age(sql: Sql, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sql`
      update jobs
      set completed_at = completed_at - interval '2 days', cancelled_at = cancelled_at - interval '2 days'
      where status in ('completed', 'failed', 'cancelled')
        and coalesce(completed_at, cancelled_at) between now() - interval '1 day' and now() - interval '30 seconds'`
    await wait(10_000, undefined, { signal }).catch(() => {})
  }
}

/**
 * Another program makes jobs due at once that wait for their next attempt, until `signal` aborts: a job that has lost its worker more
 * than once may wait longer than the run.
 */
export async function makeDue(sql: Sql, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sql`update jobs set available_at = now(), updated_at = now() where status = 'queued' and available_at > now()`
    await wait(1000, undefined, { signal }).catch(() => {})
  }
}
