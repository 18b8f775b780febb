import { JobsError } from '../call/jobs-error.ts'
import type { Job } from '../wire/types.ts'
import { type Failure, failureOf } from './failure-of.ts'
import type { Finish, Finisher } from './finisher.ts'
import { type HeldJob, leaseOf } from './held-job.ts'
import { JobFailure } from './job-failure.ts'
import type { Renewals } from './renewals.ts'
import { storable } from './storable.ts'
import { handlerOf, type WorkerSettings } from './worker-options.ts'

export interface AttemptTools {
  settings: WorkerSettings
  finisher: Finisher
  renewals: Renewals
}

/** Runs the handler of a job and sends how the attempt ended. It never throws. */
export async function runAttempt(held: HeldJob, tools: AttemptTools): Promise<void> {
  const { job } = held
  const left = new Promise<Outcome | undefined>((resolve) => {
    // The job of a handler that is left is given back, where it is still this worker's.
    held.leave.signal.addEventListener('abort', () => resolve(held.isLost ? undefined : { action: 'release' }))
  })
  try {
    const outcome = await Promise.race([outcomeOf(held, tools), left])
    held.isEnded = true
    if (outcome) await report(held, { ...ownership(held, tools), ...outcome }, tools)
  } catch (error) {
    const code = error instanceof JobsError ? error.code : 'internal'
    tools.settings.tell({ event: 'lost', job_id: job.id, job_type: job.job_type, code })
  }
}

/** A repeated finish has the same token, and each attempt has another lease. */
const ownership = (held: HeldJob, { settings }: AttemptTools) => ({
  ...leaseOf(held, settings.workerId),
  completion_token: held.leaseId,
})

/** What the handler made of its job. */
type Outcome = { action: 'complete'; result?: unknown } | ({ action: 'fail' } & Failure) | { action: 'release' }

/** Resolves to undefined where nothing is to be sent: the job is another worker's now. */
async function outcomeOf(held: HeldJob, tools: AttemptTools): Promise<Outcome | undefined> {
  const { job, abort } = held
  try {
    const handler = handlerOf(tools.settings, job.job_type)
    if (!handler) throw new JobFailure(`this worker has no handler of ${job.job_type}`, { code: 'no_handler' })
    const { signal } = abort
    const result = await handler({ payload: job.payload, job, signal, progress: progressOf(held, tools) })
    return { action: 'complete', ...(result !== undefined && { result }) }
  } catch (error) {
    if (held.isLost) return undefined
    return abort.signal.aborted ? { action: 'release' } : { action: 'fail', ...failureOf(error) }
  }
}

const progressOf =
  (held: HeldJob, { renewals }: AttemptTools) =>
  (percent: number, message?: string): void => {
    if (held.isLost || held.isEnded) return
    held.unsent = {
      ...held.unsent,
      ...(Number.isFinite(percent) && { progress_percent: Math.min(100, Math.max(0, percent)) }),
      ...(message !== undefined && { progress_message: storable(String(message), 1000, '') }),
    }
    renewals.changed()
  }

/** Sends a finish. A result that the server refuses fails the job, since the next attempt would have the same result. */
async function report(held: HeldJob, finish: Finish, tools: AttemptTools): Promise<void> {
  try {
    await send(held.job, finish, tools)
  } catch (error) {
    if (finish.action === 'release' || !isRefused(error)) throw error
    const why = error instanceof Error ? error.message : String(error)
    const message =
      error instanceof JobsError ? `the server refused how the attempt ended: ${why}` : `the result is no JSON: ${why}`
    await send(
      held.job,
      {
        ...ownership(held, tools),
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

const events = { complete: 'completed', fail: 'failed', release: 'released' } as const

async function send({ id, job_type }: Job, finish: Finish, { finisher, settings }: AttemptTools): Promise<void> {
  const result = await finisher.finish(finish)
  if (result.ok) {
    const error = finish.action === 'fail' ? { error: finish.error } : {}
    settings.tell({ event: events[finish.action], job_id: id, job_type, status: result.status, ...error })
  } else settings.tell({ event: 'lost', job_id: id, job_type, code: result.code })
}
