import * as z from 'zod'
import type { Api } from '../setup/api.ts'

/** Servers, and the number of workers that call them concurrently. Each call goes to the next server. */
export interface WorkerPool {
  apis: readonly Api[]
  workers: number
}

/** A number of jobs, and the number of jobs per call. A batch of 1 uses the endpoints for a single job. */
interface Amount {
  jobs: number
  batch: number
}

/** A job that a worker has leased. */
export interface LeasedJob {
  id: number
  lease_id: string
}

const queue = { domain: 'bench', queue: 'work' }
/** The payload of each job. */
const payload = { number: 1, text: 'a payload of some length, as they are' }
const job = { ...queue, job_type: 'task', payload }

/** Bytes of the payload of each job, as JSON. */
export const payloadBytes = Buffer.byteLength(JSON.stringify(payload))
const worker_id = 'bench-worker'

/** The list alone is checked, and not each job: the load must use less CPU time than the server, and the peers check nothing. */
const Acquired = z.custom<{ jobs: LeasedJob[] }>(
  (body) => typeof body === 'object' && body !== null && 'jobs' in body && Array.isArray(body.jobs),
)
const Finished = z.object({ ok: z.number(), failed: z.tuple([]) })

/** Enqueues jobs. Returns jobs per second. */
export async function enqueueAll(pool: WorkerPool, { jobs, batch }: Amount): Promise<number> {
  const batches = Array.from({ length: jobs / batch }, () => batch)
  return perSecond(jobs, () =>
    byWorkers(pool, async (api) => {
      const size = batches.pop()
      if (size === undefined) return false
      if (size === 1) await api.load('/api/v1/jobs', job)
      else await api.load('/api/v1/jobs/batch', { jobs: Array.from({ length: size }, () => job) })
      return true
    }),
  )
}

/**
 * Acquires all jobs. Returns jobs per second, and the jobs.
 * @throws Error when the queue has another number of jobs than `jobs`
 */
export async function acquireAll(
  pool: WorkerPool,
  { jobs, batch }: Amount,
): Promise<{ rate: number; leased: LeasedJob[] }> {
  const leased: LeasedJob[] = []
  const rate = await perSecond(jobs, () =>
    byWorkers(pool, async (api) => {
      const acquired = await acquire(api, batch)
      leased.push(...acquired)
      return acquired.length > 0 && leased.length < jobs
    }),
  )
  if (leased.length !== jobs) throw new Error(`${leased.length} of ${jobs} jobs were acquired`)
  return { rate, leased }
}

/** Asks for jobs as often as jobs of this number and batch need, whatever the answers are. Returns jobs per second. */
export async function askForAll(pool: WorkerPool, { jobs, batch }: Amount): Promise<number> {
  let left = jobs / batch
  return perSecond(jobs, () =>
    byWorkers(pool, async (api) => {
      if (left-- > 0) await acquire(api, batch)
      return left > 0
    }),
  )
}

/** Completes leased jobs. Returns jobs per second. */
export async function finishAll(pool: WorkerPool, leased: readonly LeasedJob[], batch: number): Promise<number> {
  const left = [...leased]
  return perSecond(leased.length, () =>
    byWorkers(pool, async (api) => {
      const batchJobs = left.splice(0, batch)
      if (batchJobs.length > 0) await finish(api, batchJobs)
      return batchJobs.length > 0
    }),
  )
}

/**
 * Acquires and completes all jobs, as workers do. Returns jobs per second.
 * @throws Error when the queue has another number of jobs than `jobs`
 */
export async function workAll(pool: WorkerPool, { jobs, batch }: Amount): Promise<number> {
  let done = 0
  return perSecond(jobs, async () => {
    await byWorkers(pool, async (api) => {
      const acquired = await acquire(api, batch)
      if (acquired.length > 0) await finish(api, acquired)
      done += acquired.length
      return acquired.length > 0
    })
    if (done !== jobs) throw new Error(`${done} of ${jobs} jobs were completed`)
  })
}

const acquire = async (api: Api, limit: number): Promise<LeasedJob[]> =>
  Acquired.parse(await api.post('/api/v1/jobs/acquire', { ...queue, worker_id, lease_seconds: 600, limit })).jobs

async function finish(api: Api, leased: readonly LeasedJob[]): Promise<void> {
  const [first] = leased
  if (first && leased.length === 1) return finishOne(api, first)
  const action = 'complete'
  const jobs = leased.map(({ id, lease_id }) => ({ action, id, worker_id, lease_id, completion_token: lease_id }))
  Finished.parse(await api.post('/api/v1/jobs/finish', { jobs }))
}

/** Completes one job. */
export async function finishOne(api: Api, { id, lease_id }: LeasedJob): Promise<void> {
  await api.load(`/api/v1/jobs/${id}/complete`, { worker_id, lease_id, completion_token: lease_id })
}

/** Runs all workers concurrently. Each worker repeats `step` until `step` returns false. */
async function byWorkers({ apis, workers }: WorkerPool, step: (api: Api) => Promise<boolean>): Promise<void> {
  let calls = 0
  const worker = async () => {
    for (let more = true; more; ) {
      const api = apis[calls++ % apis.length]
      if (!api) throw new Error('the worker pool has no server')
      more = await step(api)
    }
  }
  await Promise.all(Array.from({ length: workers }, worker))
}

async function perSecond(jobs: number, work: () => Promise<void>): Promise<number> {
  const began = performance.now()
  await work()
  return (jobs * 1000) / (performance.now() - began)
}
