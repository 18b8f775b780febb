import * as z from 'zod'
import type { Api } from '../stage/api.ts'

/** Where work is done, by how many workers. Each call goes to the next server. */
export interface Site {
  apis: readonly Api[]
  workers: number
}

/** So many jobs, and so many of them in a call; one by one has calls of its own. */
interface Amount {
  jobs: number
  batch: number
}

/** A job under lease. */
export interface Held {
  id: number
  lease_id: string
}

const place = { domain: 'bench', queue: 'work' }
const job = { ...place, job_type: 'task', payload: { number: 1, text: 'a payload of some length, as they are' } }
const worker_id = 'bench-worker'

const Acquired = z.object({ jobs: z.array(z.object({ id: z.number(), lease_id: z.string() })) })
const Results = z.object({ results: z.array(z.object({ ok: z.literal(true) })) })

/** Puts jobs in; returns jobs a second. */
export async function enqueueAll(site: Site, { jobs, batch }: Amount): Promise<number> {
  const batches = Array.from({ length: jobs / batch }, () => batch)
  return perSecond(jobs, () =>
    byWorkers(site, async (api) => {
      const size = batches.pop()
      if (size === undefined) return false
      if (size === 1) await api.load('/api/v1/jobs', job)
      else await api.load('/api/v1/jobs/batch', { jobs: Array.from({ length: size }, () => job) })
      return true
    }),
  )
}

/** Takes all there are; returns jobs a second, and the jobs. */
export async function acquireAll(site: Site, { jobs, batch }: Amount): Promise<{ rate: number; held: Held[] }> {
  const held: Held[] = []
  const rate = await perSecond(jobs, () =>
    byWorkers(site, async (api) => {
      const taken = await acquire(api, batch)
      held.push(...taken)
      return taken.length > 0 && held.length < jobs
    }),
  )
  if (held.length !== jobs) throw new Error(`${held.length} jobs were taken of ${jobs}`)
  return { rate, held }
}

/** Completes what is held; returns jobs a second. */
export async function finishAll(site: Site, held: readonly Held[], batch: number): Promise<number> {
  const left = [...held]
  return perSecond(held.length, () =>
    byWorkers(site, async (api) => {
      const some = left.splice(0, batch)
      if (some.length > 0) await finish(api, some)
      return some.length > 0
    }),
  )
}

/** Takes and completes all there are, as workers do; returns jobs a second. */
export async function workAll(site: Site, { jobs, batch }: Amount): Promise<number> {
  let done = 0
  return perSecond(jobs, async () => {
    await byWorkers(site, async (api) => {
      const taken = await acquire(api, batch)
      if (taken.length > 0) await finish(api, taken)
      done += taken.length
      return taken.length > 0
    })
    if (done !== jobs) throw new Error(`${done} jobs were done of ${jobs}`)
  })
}

const acquire = async (api: Api, limit: number): Promise<Held[]> =>
  Acquired.parse(await api.post('/api/v1/jobs/acquire', { ...place, worker_id, lease_seconds: 600, limit })).jobs

async function finish(api: Api, held: readonly Held[]): Promise<void> {
  const [first] = held
  if (first && held.length === 1) return finishOne(api, first)
  const jobs = held.map(({ id, lease_id }) => ({
    ...{ action: 'complete', id, worker_id, lease_id, completion_token: lease_id },
  }))
  Results.parse(await api.post('/api/v1/jobs/finish', { jobs }))
}

/** Completes one job. */
export async function finishOne(api: Api, { id, lease_id }: Held): Promise<void> {
  await api.load(`/api/v1/jobs/${id}/complete`, { worker_id, lease_id, completion_token: lease_id })
}

/** Each worker goes on until `step` says that nothing is left. */
async function byWorkers({ apis, workers }: Site, step: (api: Api) => Promise<boolean>): Promise<void> {
  let calls = 0
  const worker = async () => {
    for (let more = true; more; ) {
      const api = apis[calls++ % apis.length]
      if (!api) throw new Error('there is no server')
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
