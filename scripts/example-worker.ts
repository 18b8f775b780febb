/**
 * A worker to copy. It leases jobs in batches, renews what it holds, reports progress, finishes with
 * tokens, and on SIGTERM finishes the job at hand and gives the others back.
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

/** Does one job, and returns its result. This is the part to replace. */
async function work({ payload }: Job, report: (percent: number) => void, signal: AbortSignal): Promise<unknown> {
  for (let percent = 0; percent < 100; percent += 25) {
    report(percent)
    await wait(50, undefined, { signal })
  }
  return { echo: payload }
}

/** The server has understood the call, and will not have it. */
class Refused extends Error {}

/** A call that is safe to make again is made until it is answered. */
async function post(path: string, body: unknown, signal?: AbortSignal): Promise<unknown> {
  for (let tried = 0; ; tried++) {
    const answer = await fetch(`${base}/api/v1/jobs/${path}`, {
      method: 'POST',
      headers: { 'X-API-KEY': key, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'error',
      ...(signal && { signal }),
    }).catch((error: unknown) => {
      if (signal?.aborted) throw error
      return undefined
    })
    if (answer?.ok) return answer.json()
    const passing = answer === undefined || answer.status === 429 || answer.status >= 500
    if (!passing) throw new Refused(`${path}: HTTP ${answer.status} ${await answer.text()}`)
    await wait(Math.random() * Math.min(10_000, 250 * 2 ** tried), undefined, { ...(signal && { signal }) })
  }
}

interface Held extends Job {
  progress_percent: number
  /** Ends when the job is not ours any more, or is not wanted any more. */
  over: AbortController
}

/** Every third of the lease, so that one renewal may fail. */
async function renewWhile(held: readonly Held[], done: AbortSignal): Promise<void> {
  while (!done.aborted) {
    await wait((lease_seconds * 1000) / 3, undefined, { signal: done }).catch(() => {})
    const jobs = held
      .filter(({ over }) => !over.signal.aborted)
      .map(({ id, lease_id, progress_percent }) => ({ id, lease_id, worker_id, lease_seconds, progress_percent }))
    if (done.aborted || jobs.length === 0) continue
    const { results } = Renewed.parse(await post('renew', { jobs }, done).catch(() => ({ results: [] })))
    for (const { id, ok, cancel_requested } of results) {
      if (!ok || cancel_requested) held.find((job) => job.id === id)?.over.abort()
    }
  }
}

/** Its lease id makes a token that no other attempt has. */
const endOf = ({ id, lease_id }: Job) => ({ id, lease_id, worker_id, completion_token: lease_id })

/** Runs one job, and tells how it ended. */
async function attempt(job: Held): Promise<object> {
  const { over } = job
  const common = endOf(job)
  try {
    const report = (percent: number) => {
      job.progress_percent = percent
    }
    return { ...common, action: 'complete', result: await work(job, report, over.signal) }
  } catch (error) {
    if (over.signal.aborted) return { ...common, action: 'release' }
    return { ...common, action: 'fail', error: String(error).slice(0, 10_000), error_code: 'work_failed' }
  } finally {
    over.abort()
  }
}

async function finish(jobs: readonly object[]): Promise<void> {
  if (jobs.length > 0) console.log(JSON.stringify(await post('finish', { jobs })))
}

/** An outcome that the server will not have, such as a result that is too large, is a failure of its job alone. */
async function runJob(job: Held): Promise<void> {
  const outcome = await attempt(job)
  await finish([outcome]).catch((error: unknown) => {
    if (!(error instanceof Refused)) throw error
    return finish([{ ...endOf(job), action: 'fail', error: error.message.slice(0, 10_000), error_code: 'refused' }])
  })
}

while (!stopping.signal.aborted) {
  const request = { domain, queue, worker_id, lease_seconds, limit: 10, wait_seconds: 30 }
  const answer = await post('acquire', request, stopping.signal).catch((error: unknown) => {
    // A server takes back what it leased to a caller that has hung up.
    if (stopping.signal.aborted) return { jobs: [] }
    throw error
  })
  const held = Acquired.parse(answer).jobs.map((job) => ({ ...job, progress_percent: 0, over: new AbortController() }))
  const done = new AbortController()
  const renewing = renewWhile(held, done.signal)
  for (const job of held) if (!stopping.signal.aborted) await runJob(job)
  const left = held.filter(({ over }) => !over.signal.aborted)
  await finish(left.map((job) => ({ ...endOf(job), action: 'release' })))
  done.abort()
  await renewing
}
