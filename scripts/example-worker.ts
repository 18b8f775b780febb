/**
 * A worker to copy. It leases jobs in batches, renews their leases, reports progress, and finishes each job with a
 * completion token. On SIGTERM it finishes the current job and releases the others.
 *
 *   BASE=http://127.0.0.1:8787 API_KEY=… npx tsx scripts/example-worker.ts chatbooks default
 */
import { hostname } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import * as z from 'zod'

const Job = z.object({ id: z.number(), job_type: z.string(), payload: z.unknown(), lease_id: z.string() })
type Job = z.output<typeof Job>
const Acquired = z.object({ jobs: z.array(Job) })
const Renewed = z.object({
  results: z.array(z.object({ id: z.number(), ok: z.boolean(), cancel_requested: z.boolean().optional() })),
})

const { BASE: base = 'http://127.0.0.1:8787', API_KEY: key = '' } = process.env
const [domain = 'chatbooks', queue = 'default'] = process.argv.slice(2)
const worker_id = `${hostname()}-${process.pid}`
const lease_seconds = 60

const stopping = new AbortController()
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopping.abort())

/**
 * Does the work of one job and returns the result of the job, as JSON. Replace this function. `report` takes the
 * progress in percent. `signal` aborts when the job is cancelled or its lease is lost.
 * @throws Error when the job failed
 */
async function work({ payload }: Job, report: (percent: number) => void, signal: AbortSignal): Promise<unknown> {
  for (let percent = 0; percent < 100; percent += 25) {
    report(percent)
    await wait(50, undefined, { signal })
  }
  return { echo: payload }
}

/** The server rejected the request, with a status below 500 other than 429. The same request would fail again. */
class Rejected extends Error {}

/**
 * Sends a POST and returns the body of the response. Repeats the request after a lost connection, a 429 or a 5xx: all
 * endpoints of a worker are safe to repeat.
 * @throws Rejected when the server rejects the request
 */
async function post(path: string, body: unknown, signal?: AbortSignal): Promise<unknown> {
  for (let attempt = 0; ; attempt++) {
    const response = await fetch(`${base}/api/v1/jobs/${path}`, {
      method: 'POST',
      headers: { 'X-API-KEY': key, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'error',
      ...(signal && { signal }),
    }).catch((error: unknown) => {
      if (signal?.aborted) throw error
      return undefined
    })
    if (response?.ok) return response.json()
    const transient = response === undefined || response.status === 429 || response.status >= 500
    if (!transient) throw new Rejected(`${path}: HTTP ${response.status} ${await response.text()}`)
    await wait(Math.random() * Math.min(10_000, 250 * 2 ** attempt), undefined, { ...(signal && { signal }) })
  }
}

/** A job that this worker has leased. */
interface LeasedJob extends Job {
  progress_percent: number
  /** Aborts when the lease is lost, when the job is cancelled, and when the job has ended. */
  ended: AbortController
}

/** Renews the leases three times per lease period, so that one renewal may fail, until `done` aborts. */
async function renewLeases(leased: readonly LeasedJob[], done: AbortSignal): Promise<void> {
  while (!done.aborted) {
    await wait((lease_seconds * 1000) / 3, undefined, { signal: done }).catch(() => {})
    const jobs = leased
      .filter(({ ended }) => !ended.signal.aborted)
      .map(({ id, lease_id, progress_percent }) => ({ id, lease_id, worker_id, lease_seconds, progress_percent }))
    if (done.aborted || jobs.length === 0) continue
    const { results } = Renewed.parse(await post('renew', { jobs }, done).catch(() => ({ results: [] })))
    for (const { id, ok, cancel_requested } of results) {
      if (!ok || cancel_requested) leased.find((job) => job.id === id)?.ended.abort()
    }
  }
}

/** The fields that each finish has. The lease id is the completion token, since each attempt has another lease id. */
const finishFields = ({ id, lease_id }: Job) => ({ id, lease_id, worker_id, completion_token: lease_id })

/** Runs one job and returns its finish: complete, fail or release. */
async function attempt(job: LeasedJob): Promise<object> {
  const { ended } = job
  const common = finishFields(job)
  try {
    const report = (percent: number) => {
      job.progress_percent = percent
    }
    return { ...common, action: 'complete', result: await work(job, report, ended.signal) }
  } catch (error) {
    if (ended.signal.aborted) return { ...common, action: 'release' }
    return { ...common, action: 'fail', error: String(error).slice(0, 10_000), error_code: 'work_failed' }
  } finally {
    ended.abort()
  }
}

/** Sends the finishes of jobs and prints their results. */
async function finish(jobs: readonly object[]): Promise<void> {
  if (jobs.length > 0) console.log(JSON.stringify(await post('finish', { jobs })))
}

/** Runs one job. When the server rejects its finish, for example since the result is too large, only this job fails. */
async function runJob(job: LeasedJob): Promise<void> {
  const outcome = await attempt(job)
  await finish([outcome]).catch((error: unknown) => {
    if (!(error instanceof Rejected)) throw error
    return finish([
      { ...finishFields(job), action: 'fail', error: error.message.slice(0, 10_000), error_code: 'refused' },
    ])
  })
}

while (!stopping.signal.aborted) {
  const request = { domain, queue, worker_id, lease_seconds, limit: 10, wait_seconds: 30 }
  const response = await post('acquire', request, stopping.signal).catch((error: unknown) => {
    // The server releases the leases of a caller that has closed the connection.
    if (stopping.signal.aborted) return { jobs: [] }
    throw error
  })
  const leased = Acquired.parse(response).jobs.map((job) => ({
    ...job,
    progress_percent: 0,
    ended: new AbortController(),
  }))
  const done = new AbortController()
  const renewing = renewLeases(leased, done.signal)
  for (const job of leased) if (!stopping.signal.aborted) await runJob(job)
  const left = leased.filter(({ ended }) => !ended.signal.aborted)
  await finish(left.map((job) => ({ ...finishFields(job), action: 'release' })))
  done.abort()
  await renewing
}
