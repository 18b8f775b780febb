import { acquire, complete, enqueue } from '../../../../shared/endpoints.ts'
import { jobsEach, pruneByJobsctl, type Tried, tryOnce } from '../actions.ts'
import { post } from '../http.ts'
import { jobsctl } from '../jobsctl.ts'
import type { Scenario } from '../scenario.ts'
import type { Stage } from '../stage.ts'

/** Runs before a program: its clock steps between two days behind and two days ahead, each 200 ms. */
const steppingClock = `
  const Real = Date
  const now = () => Real.now() + (Math.floor(performance.now() / 200) % 2 ? 1 : -1) * 172_800_000
  globalThis.Date = class extends Real {
    constructor(...given) { given.length === 0 ? super(now()) : super(...given) }
    static now() { return now() }
  }`

const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(steppingClock)}` }

/** Half of the jobs ended 29 days ago, and the other half 31 days ago. */
async function aroundLimit({ sql }: Stage, domain: string): Promise<void> {
  await sql`
    insert into jobs (domain, queue, job_type, status, completed_at)
    select ${domain}, 'default', 'export', 'completed', now() - case when n % 2 = 0 then 29 else 31 end * interval '1 day'
    from generate_series(1, ${jobsEach}::int) as n`
}

const pruneOfHalf = {
  ...pruneByJobsctl,
  prepare: aroundLimit,
  run: (url: string, domain: string) =>
    jobsctl(url, ['prune', '--domain', domain, '--older-than', '30d', '--yes'], env),
}

async function pruneUnderClock(stage: Stage): Promise<Tried[]> {
  const tries: Tried[] = []
  await stage.withServer(
    async ({ url }) => {
      for (let times = 0; times < (stage.short ? 2 : 5); times++) {
        const tried = await tryOnce(stage, pruneOfHalf, () => ({ url }))
        if (tried.changed !== jobsEach / 2)
          stage.lie(`${tried.changed} of ${jobsEach / 2} jobs older than 30 days are gone`)
        tries.push(tried)
      }
    },
    { env },
  )
  return tries
}

/** A worker leases a job for a minute; another worker must not get the job, and the first one completes it. */
async function leaseUnderClock(stage: Stage): Promise<Tried[]> {
  const tries: Tried[] = []
  await stage.withServer(
    async ({ url }) => {
      for (let times = 0; times < (stage.short ? 2 : 5); times++) {
        const domain = stage.domain()
        await post(url, { path: enqueue.path, body: { domain, job_type: 'export', payload: {} } })
        const [job] = await leased(url, domain, 'first')
        if ((await leased(url, domain, 'second')).length > 0) stage.lie('a second worker got a job that is leased')
        if (!job) throw new Error('the first worker got no job')
        const path = complete.path.replace(':id', String(job.id))
        const outcome = await post(url, { path, body: { worker_id: 'first', lease_id: job.lease_id } })
        const [row] = await stage.sql`select from jobs where domain = ${domain} and status = 'completed'`
        tries.push({
          action: 'acquire and complete',
          outcome: { ...outcome, affected: 1 },
          jobs: 1,
          changed: row ? 1 : 0,
        })
      }
    },
    { env },
  )
  return tries
}

async function leased(url: string, domain: string, worker: string) {
  const { body } = await post(url, { path: acquire.path, body: { domain, worker_id: worker, lease_seconds: 60 } })
  return acquire.output.parse(body).jobs
}

export const clocks: readonly Scenario[] = [
  {
    trouble: 'the clocks of the server and of jobsctl step by four days, five times a second',
    promised: {
      page: 'docs/operate/changes.md',
      sentence:
        'A change goes by its preview: the reference time of the preview, and its jobs in the version that was counted.',
    },
    allowed: ['ok'],
    run: pruneUnderClock,
  },
  {
    trouble: 'the clock of the server steps by four days while a worker holds a job',
    promised: {
      page: 'docs/workers/README.md',
      sentence:
        'A job is held by its worker while the `lease_id` of the worker is on the job. Nobody else can renew or finish it',
    },
    allowed: ['ok'],
    run: leaseUnderClock,
  },
]
