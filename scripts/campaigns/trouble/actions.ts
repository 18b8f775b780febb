import { enqueue, prune } from '../../../shared/endpoints.ts'
import { post } from './http.ts'
import { jobsctl } from './jobsctl.ts'
import type { Outcome } from './outcome.ts'
import { type Stage, untilQuiet } from './stage.ts'

/** One thing that a caller does to the jobs of a domain. */
export interface Action {
  name: string
  /** Makes jobs for it. */
  prepare: (stage: Stage, domain: string) => Promise<void>
  run: (url: string, domain: string) => Promise<Outcome>
  /** How many jobs it has changed by now. */
  changed: (stage: Stage, domain: string) => Promise<number>
}

/** Enough for three batches of a bulk change. */
export const jobsEach = 2000

const finished = async ({ sql }: Stage, domain: string): Promise<void> => {
  await sql`
    insert into jobs (domain, queue, job_type, status, completed_at, created_at)
    select ${domain}, 'default', 'export', 'completed', now() - interval '90 days', now() - interval '90 days'
    from generate_series(1, ${jobsEach}::int)`
}

const queued = async ({ sql }: Stage, domain: string): Promise<void> => {
  await sql`
    insert into jobs (domain, queue, job_type, status, created_at)
    select ${domain}, 'default', 'export', 'queued', now() - interval '90 days'
    from generate_series(1, ${jobsEach}::int)`
}

const counted = async ({ sql }: Stage, domain: string, status: string): Promise<number> => {
  const [row] = await sql<[{ jobs: number }]>`
    select count(*)::int as jobs from jobs where domain = ${domain} and status = ${status}`
  return row.jobs
}

export const pruneByJobsctl: Action = {
  name: 'jobsctl prune',
  prepare: finished,
  run: (url, domain) => jobsctl(url, ['prune', '--domain', domain, '--older-than', '30d', '--yes', '--timeout', '60']),
  changed: async (stage, domain) => jobsEach - (await counted(stage, domain, 'completed')),
}

export const pruneByHttp: Action = {
  ...pruneByJobsctl,
  name: 'POST prune',
  run: (url, domain) => post(url, { path: prune.path, body: { domain, older_than_days: 30 } }),
}

export const sweepByJobsctl: Action = {
  name: 'jobsctl sweep',
  prepare: queued,
  run: (url, domain) => jobsctl(url, ['sweep', '--domain', domain, '--age', '30d', '--yes', '--timeout', '60']),
  changed: (stage, domain) => counted(stage, domain, 'cancelled'),
}

export const enqueueByHttp: Action = {
  name: 'POST enqueue',
  prepare: async () => {},
  run: (url, domain) =>
    post(url, { path: enqueue.path, body: { domain, queue: 'default', job_type: 'export', payload: {} } }),
  changed: (stage, domain) => counted(stage, domain, 'queued'),
}

/** An action that was tried, and what became of the jobs. */
export interface Tried {
  action: string
  outcome: Outcome
  changed: number
}

/** Prepares an action in a domain of its own, and runs it at the URL that `at` returns, which may make trouble first. */
export async function tryOnce(
  stage: Stage,
  action: Action,
  at: (domain: string) => Promise<{ url: string }> | { url: string },
): Promise<Tried> {
  const domain = stage.domain()
  await action.prepare(stage, domain)
  const { url } = await at(domain)
  const outcome = await action.run(url, domain)
  await untilQuiet(stage)
  return { action: action.name, outcome, changed: await action.changed(stage, domain) }
}
