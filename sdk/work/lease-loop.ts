import { JobsError } from '../call/jobs-error.ts'
import { pause } from '../call/pause.ts'
import type { Client } from '../client.ts'
import type { AcquireOutput } from '../wire/types.ts'
import { type AttemptTools, runAttempt } from './attempt.ts'
import { patienceMs, untilAnswered } from './retrying.ts'
import { lose, type RunningJob } from './running-job.ts'
import type { Tell } from './worker-event.ts'
import { typesOf } from './worker-options.ts'

interface Looping extends AttemptTools {
  client: Client
  /** Every running job, for the renewals. */
  running: Set<RunningJob>
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
 * Leases as many jobs as there is room for and runs them, until `signal` aborts.
 * @throws JobsError that a repetition would not change, such as for a key that the server does not take
 */
export async function leaseLoop(looping: Looping): Promise<void> {
  const { client, settings, running, attempts, signal } = looping
  const { domain, queue, concurrency, leaseMs, waitSeconds, workerId, ownerUserId, tell } = settings
  const room = createRoom(signal)
  const job_types = typesOf(settings)
  const hangUp = aborting(signal)
  const limits = limitTeller(tell)
  while (!signal.aborted) {
    const free = concurrency - running.size
    if (free <= 0) {
      await room.freed()
      continue
    }
    const askedAt = performance.now()
    const request = {
      domain,
      queue,
      worker_id: workerId,
      lease_seconds: leaseMs / 1000,
      wait_seconds: waitSeconds,
      limit: Math.min(free, mostLeased),
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
    const leaseEnds = performance.now() + leaseMs
    for (const job of answer.jobs) {
      if (job.lease_id === null) continue
      tell({ event: 'leased', job_id: job.id, job_type: job.job_type, attempt: (job.retry_count ?? 0) + 1 })
      const one: RunningJob = {
        job,
        leaseId: job.lease_id,
        abort: new AbortController(),
        leave: new AbortController(),
        leaseEnds,
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
        room.free()
      })
      attempts.add(attempt)
    }
    if (answer.jobs.length > 0) looping.renewals.changed()
    else if (performance.now() - askedAt < idleMs) await pause(idleMs * (0.5 + Math.random() / 2), signal)
  }
}

/** A throttle is told again after this time, in milliseconds. */
const limitedMs = 60_000

/** Tells what a throttled queue answers, once a minute. */
function limitTeller(tell: Tell): { saw: (limited: NonNullable<AcquireOutput['limited']>) => void } {
  let toldAt = Number.NEGATIVE_INFINITY
  return {
    saw({ running, of, per_minute }) {
      if (performance.now() - toldAt < limitedMs) return
      toldAt = performance.now()
      tell({ event: 'limited', running, of, per_minute })
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

/** Tells the loop that a job has ended. */
function createRoom(signal: AbortSignal): { free: () => void; freed: () => Promise<void> } {
  let wake = () => {}
  signal.addEventListener('abort', () => wake(), { once: true })
  return {
    free: () => wake(),
    freed: async () => {
      await new Promise<void>((resolve) => {
        wake = resolve
        if (signal.aborted) resolve()
      })
      // Jobs that were finished by one call make room for one call.
      await new Promise((resolve) => setTimeout(resolve, 0))
    },
  }
}
