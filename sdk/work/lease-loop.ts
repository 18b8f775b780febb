import { JobsError } from '../call/jobs-error.ts'
import { pause } from '../call/pause.ts'
import type { Client } from '../client-with.ts'
import type { AcquireOutput, Job } from '../wire/types.ts'
import { type AttemptTools, runAttempt } from './attempt.ts'
import type { CancelListener } from './cancel-listener.ts'
import { createPlaces, type Places } from './places.ts'
import { patienceMs, untilAnswered } from './retrying.ts'
import { lose, type RunningJob } from './running-job.ts'
import type { Tell } from './worker-event.ts'
import { typesOf } from './worker-options.ts'

interface Looping extends AttemptTools {
  client: Client
  /** Every running job, for the renewals. */
  running: Set<RunningJob>
  /** Told that jobs run. */
  cancels: CancelListener
  /** Every attempt that has not ended. */
  attempts: Set<Promise<void>>
  /** Ends the loop. */
  signal: AbortSignal
}

/** The most jobs that one call leases. */
const mostLeased = 100

/** A server that answers at once that there is no job is asked again after this time, in milliseconds. */
const idleMs = 1000

/**
 * How long a call that was sent before `signal` aborted may still be answered, in milliseconds. The jobs of a response that crosses a
 * hang-up stay leased until their leases expire: the server has written it, and cannot know that nobody reads it.
 */
const answerMs = 250

/**
 * Leases as many jobs as there is room for and runs them, until `signal` aborts. Each queue has a loop of its own.
 * @throws JobsError that a repetition would not change, such as for a key that the server does not take
 */
export async function leaseLoops(looping: Looping): Promise<void> {
  const { settings, running, signal } = looping
  const ending = new AbortController()
  const end = () => ending.abort()
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  const places = createPlaces(settings.concurrency, running, ending.signal)
  const loops = settings.queues.map((queue) =>
    leaseLoop({ ...looping, signal: ending.signal }, queue, places).catch((error: unknown) => {
      // The other loops end, and what they have leased meanwhile runs or is given back as on any stop.
      end()
      throw error
    }),
  )
  const failed = (await Promise.allSettled(loops)).find(({ status }) => status === 'rejected')
  if (failed?.status === 'rejected') throw failed.reason
}

/**
 * With one queue, each call waits for a job and has room for as many as are free. With several, a call that does not wait takes what a queue
 * has; only when there is nothing a call waits, and it reserves one place, so that the other queues have the rest. Where that would leave no place
 * for one of them, no call waits, and an empty queue is asked about once a second.
 */
async function leaseLoop(looping: Looping, queue: string, places: Places): Promise<void> {
  const { client, settings, signal } = looping
  const { domain, leaseMs, workerId, ownerUserId, tell } = settings
  const job_types = typesOf(settings)
  const hangUp = aborting(signal)
  const limits = limitTeller(queue, tell)
  const isAlone = settings.queues.length === 1
  const mayWait = isAlone || settings.queues.length < settings.concurrency
  let waits = isAlone
  while (!signal.aborted) {
    const limit = await places.take(isAlone || !waits ? mostLeased : 1)
    if (limit === 0) continue
    const askedAt = performance.now()
    const request = {
      domain,
      queue,
      worker_id: workerId,
      lease_seconds: leaseMs / 1000,
      wait_seconds: waits ? settings.waitSeconds : 0,
      limit,
      ...(job_types && { job_types }),
      ...(ownerUserId !== undefined && { owner_user_id: ownerUserId }),
    }
    const lease = async (): Promise<AcquireOutput> =>
      withJobs(await client.acquire(request, { signal: hangUp, retries: 0 }))
    // A server gives back what it has leased to a caller that hangs up before the server responds.
    const answer = await untilAnswered(lease, { call: 'acquire', tell, patienceMs, signal }).catch(
      (error: unknown): AcquireOutput => {
        if (signal.aborted) return { jobs: [] }
        throw error
      },
    )
    if (answer.limited) limits.saw(answer.limited)
    for (const job of answer.jobs) begin(looping, places, job)
    places.giveBack(limit)
    if (answer.jobs.length > 0) {
      looping.renewals.changed()
      looping.cancels.changed()
    } else if ((waits || !mayWait) && performance.now() - askedAt < idleMs)
      await pause(idleMs * (0.5 + Math.random() / 2), signal)
    waits = isAlone || (mayWait && answer.jobs.length === 0)
  }
}

/** Runs a job that was leased. */
function begin(looping: Looping, places: Places, job: Job): void {
  const { settings, running, attempts } = looping
  if (job.lease_id === null) return
  settings.tell({ event: 'leased', job_id: job.id, job_type: job.job_type, attempt: (job.retry_count ?? 0) + 1 })
  const one: RunningJob = {
    job,
    leaseId: job.lease_id,
    abort: new AbortController(),
    leave: new AbortController(),
    leaseEnds: performance.now() + settings.leaseMs,
    unsent: undefined,
    isLost: false,
    isEnded: false,
  }
  // A job that is leased again is lost to its earlier attempt, and a call names each job once.
  for (const earlier of running) if (earlier.job.id === job.id) lose(earlier)
  running.add(one)
  const attempt = runAttempt(one, looping).then(() => {
    running.delete(one)
    attempts.delete(attempt)
    places.free()
  })
  attempts.add(attempt)
}

/** A throttle is told again after this time, in milliseconds. */
const limitedMs = 60_000

/** Tells what a throttled queue answers, once a minute. */
function limitTeller(queue: string, tell: Tell): { saw: (limited: NonNullable<AcquireOutput['limited']>) => void } {
  let toldAt = Number.NEGATIVE_INFINITY
  return {
    saw({ running, of, per_minute }) {
      if (performance.now() - toldAt < limitedMs) return
      toldAt = performance.now()
      tell({ event: 'limited', queue, running, of, per_minute })
    },
  }
}

/** @throws JobsError for an answer of a proxy, or of another server than one of jobs */
function withJobs(answer: AcquireOutput): AcquireOutput {
  if (Array.isArray(answer.jobs)) return answer
  throw new JobsError(
    'unexpected_answer',
    'the server sent an answer without jobs; check that url is the root of a jobs server',
  )
}

/** A signal that aborts `answerMs` after `signal`. */
function aborting(signal: AbortSignal): AbortSignal {
  const later = new AbortController()
  const abort = () => setTimeout(() => later.abort(), answerMs)
  if (signal.aborted) later.abort()
  else signal.addEventListener('abort', abort, { once: true })
  return later.signal
}
