import { JobsError } from '../call/jobs-error.ts'
import type { LeasedJob } from '../wire/types.ts'
import { type Failure, failureOf } from './failure-of.ts'
import type { Finish, Finisher } from './finisher.ts'
import { JobEnding } from './job-ending.ts'
import { JobAborted, JobFailure } from './job-failure.ts'
import type { Renewals } from './renewals.ts'
import { leaseOf, type RunningJob } from './running-job.ts'
import { storable } from './storable.ts'
import { handlerOf, type WorkerSettings } from './worker-options.ts'

export interface AttemptTools {
  settings: WorkerSettings
  finisher: Finisher
  renewals: Renewals
}

/** Runs the handler of a job and sends how the attempt ended. It never throws. */
export async function runAttempt(running: RunningJob, tools: AttemptTools): Promise<void> {
  const { job } = running
  const left = new Promise<Outcome | undefined>((resolve) => {
    // The job of a handler that is left is given back, where it is still this worker's.
    running.leave.signal.addEventListener('abort', () => resolve(abortedOutcome(running)))
  })
  const endTime = limitTime(running, tools.settings.timeLimitMs)
  try {
    const outcome = await Promise.race([outcomeOf(running, tools), left])
    running.isEnded = true
    if (outcome) await report(running, { ...ownership(running, tools), ...outcome }, tools)
  } catch (error) {
    const code = error instanceof JobsError ? error.code : 'internal'
    tools.settings.tell({ event: 'lost', job_id: job.id, job_type: job.job_type, code })
  } finally {
    endTime()
  }
}

/** How long a handler may take to stop when its signal has aborted, in milliseconds; then it is left. */
export const handlerStopMs = 2000

/** Aborts a handler that runs longer than `limitMs`, and leaves it where it does not stop. Returns what ends the watch. */
function limitTime({ abort, leave }: RunningJob, limitMs: number | undefined): () => void {
  if (limitMs === undefined) return () => {}
  let timer = setTimeout(() => {
    abort.abort(new JobAborted('timeout'))
    timer = setTimeout(() => leave.abort(), handlerStopMs)
  }, limitMs)
  return () => clearTimeout(timer)
}

/** How an attempt ends whose handler was told to stop. */
function abortedOutcome({ isLost, abort }: RunningJob): Outcome | undefined {
  if (isLost) return undefined
  const { reason } = abort.signal
  return reason instanceof JobAborted && reason.why === 'timeout'
    ? { action: 'fail', ...failureOf(reason) }
    : { action: 'release' }
}

/** A repeated finish has the same token, and each attempt has another lease. */
const ownership = (running: RunningJob, { settings }: AttemptTools) => ({
  ...leaseOf(running, settings.workerId),
  completion_token: running.leaseId,
})

/** What the handler made of its job. */
type Outcome =
  | { action: 'complete'; result?: unknown }
  | ({ action: 'fail' } & Failure)
  | { action: 'release' }
  | JobEnding['finish']

/** Resolves to undefined where nothing is to be sent: the job is another worker's now. */
async function outcomeOf(running: RunningJob, tools: AttemptTools): Promise<Outcome | undefined> {
  const { job, abort } = running
  try {
    const handler = handlerOf(tools.settings, job.job_type)
    if (!handler) throw new JobFailure(`this worker has no handler of ${job.job_type}`, { code: 'no_handler' })
    const { signal } = abort
    const run = async () => handler({ payload: job.payload, job, signal, progress: progressOf(running, tools) })
    const result = await tools.settings.around(job, run)
    if (result instanceof JobEnding) return result.finish
    return { action: 'complete', ...(result !== undefined && { result }) }
  } catch (error) {
    return running.isLost || abort.signal.aborted ? abortedOutcome(running) : { action: 'fail', ...failureOf(error) }
  }
}

const progressOf =
  (running: RunningJob, { renewals }: AttemptTools) =>
  (percent: number, message?: string): void => {
    if (running.isLost || running.isEnded) return
    running.unsent = {
      ...running.unsent,
      ...(Number.isFinite(percent) && { progress_percent: Math.min(100, Math.max(0, percent)) }),
      ...(message !== undefined && { progress_message: storable(String(message), 1000, '') }),
    }
    renewals.changed()
  }

/** Sends a finish. A result that the server refuses fails the job, since the next attempt would have the same result. */
async function report(running: RunningJob, finish: Finish, tools: AttemptTools): Promise<void> {
  try {
    await send(running.job, finish, tools)
  } catch (error) {
    if (finish.action === 'release' || !isRefused(error)) throw error
    const why = error instanceof Error ? error.message : String(error)
    const message =
      error instanceof JobsError ? `the server refused how the attempt ended: ${why}` : `the result is no JSON: ${why}`
    await send(
      running.job,
      {
        ...ownership(running, tools),
        action: 'fail',
        error: storable(message, 10_000, 'refused'),
        error_code: 'result_refused',
        retryable: false,
      },
      tools,
    )
  }
}

/** True for a finish that no repetition makes right: the server refuses what it has, or it cannot be written as JSON. */
const isRefused = (error: unknown): boolean =>
  !(error instanceof JobsError) || error.status === 400 || error.status === 413 || error.status === 422

const events = { complete: 'completed', fail: 'failed', release: 'released', cancel: 'cancelled' } as const

async function send({ id, job_type }: LeasedJob, finish: Finish, { finisher, settings }: AttemptTools): Promise<void> {
  const result = await finisher.finish(finish)
  if (result.ok) {
    const error = finish.action === 'fail' ? { error: finish.error } : {}
    settings.tell({ event: events[finish.action], job_id: id, job_type, status: result.status, ...error })
  } else settings.tell({ event: 'lost', job_id: id, job_type, code: result.code })
}
