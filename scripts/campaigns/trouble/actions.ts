import { enqueue, prune } from '../../../shared/endpoints.ts'
import { post } from './http.ts'
import { jobsctl } from './jobsctl.ts'
import type { Outcome } from './outcome.ts'
import { type Stage, untilQuiet } from './stage.ts'

/** One thing that a caller does to the jobs of a domain. */
export interface Action {
  name: string
  /** How many jobs it can change. */
  jobs: number
  /** Makes jobs for it. */
  prepare: (stage: Stage, domain: string) => Promise<void>
  run: (url: string, domain: string) => Promise<Outcome>
  /** How many jobs it has changed by now. */
  changed: (stage: Stage, domain: string) => Promise<number>
}

const finished = async ({ sql }: Stage, domain: string, jobs: number): Promise<void> => {
  await sql`
    insert into jobs (domain, queue, job_type, status, completed_at, created_at)
    select ${domain}, 'default', 'export', 'completed', now() - interval '90 days', now() - interval '90 days'
    from generate_series(1, ${jobs}::int)`
}

const queued = async ({ sql }: Stage, domain: string, jobs: number): Promise<void> => {
  await sql`
    insert into jobs (domain, queue, job_type, status, created_at)
    select ${domain}, 'default', 'export', 'queued', now() - interval '90 days'
    from generate_series(1, ${jobs}::int)`
}

const counted = async ({ sql }: Stage, domain: string, status: string): Promise<number> => {
  const [row] = await sql<[{ jobs: number }]>`
    select count(*)::int as jobs from jobs where domain = ${domain} and status = ${status}`
  return row.jobs
}

/** A command of `jobsctl` with its scope, as a change that needs no person. */
const bulkByJobsctl = (words: string[]) => (url: string, domain: string) =>
  jobsctl(url, [...words, '--domain', domain, '--yes', '--timeout', '60'])

/** The bulk changes, each of so many jobs. */
export const bulkOf = (jobs: number) => {
  const pruned: Pick<Action, 'jobs' | 'prepare' | 'changed'> = {
    jobs,
    prepare: (stage, domain) => finished(stage, domain, jobs),
    changed: async (stage, domain) => jobs - (await counted(stage, domain, 'completed')),
  }
  const pruneByJobsctl: Action = {
    ...pruned,
    name: 'jobsctl prune',
    run: bulkByJobsctl(['prune', '--older-than', '30d']),
  }
  const pruneByHttp: Action = {
    ...pruned,
    name: 'POST prune',
    run: (url, domain) => post(url, { path: prune.path, body: { domain, older_than_days: 30 } }),
  }
  const sweepByJobsctl: Action = {
    name: 'jobsctl sweep',
    jobs,
    prepare: (stage, domain) => queued(stage, domain, jobs),
    run: bulkByJobsctl(['sweep', '--age', '30d']),
    changed: (stage, domain) => counted(stage, domain, 'cancelled'),
  }
  return { pruneByJobsctl, pruneByHttp, sweepByJobsctl }
}

/** Enough for three batches of a bulk change. */
export const jobsEach = 2000

export const { pruneByJobsctl, pruneByHttp, sweepByJobsctl } = bulkOf(jobsEach)

export const enqueueByHttp: Action = {
  name: 'POST enqueue',
  jobs: 1,
  prepare: async () => {},
  run: (url, domain) =>
    post(url, { path: enqueue.path, body: { domain, queue: 'default', job_type: 'export', payload: {} } }),
  changed: (stage, domain) => counted(stage, domain, 'queued'),
}

/** All actions for a place in a series of trouble; one of them in turn in a short run. */
export const actionsAt = ({ short }: Stage, actions: readonly Action[], place: number): readonly Action[] =>
  short ? actions.slice(place % actions.length).slice(0, 1) : actions

/** An action that was tried, and what became of the jobs. */
export interface Tried {
  action: string
  outcome: Outcome
  jobs: number
  changed: number
}

interface Place {
  url: string
  /** Ends trouble that would keep the campaign from counting jobs, such as a lock on the table. */
  release?: () => Promise<unknown>
}

/** Prepares an action in a domain of its own, and runs it at the place that `at` returns, which may make trouble first. */
export async function tryOnce(
  stage: Stage,
  action: Action,
  at: (domain: string) => Promise<Place> | Place,
): Promise<Tried> {
  const domain = stage.domain()
  await action.prepare(stage, domain)
  const { url, release } = await at(domain)
  const outcome = await action.run(url, domain).finally(release)
  await untilQuiet(stage)
  return { action: action.name, outcome, jobs: action.jobs, changed: await action.changed(stage, domain) }
}
