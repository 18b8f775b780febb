/** `jobsctl/worker`: leases jobs, runs their handlers, renews, reports, finishes, and gives back what it cannot finish. */
import { hostname } from 'node:os'
import { clientWith } from './client-with.ts'
import { handlerStopMs } from './work/attempt.ts'
import { listenForCancels } from './work/cancel-listener.ts'
import { createFinisher } from './work/finisher.ts'
import { JobAborted } from './work/job-failure.ts'
import { leaseLoops } from './work/lease-loop.ts'
import { createRenewals } from './work/renewals.ts'
import { patienceMs } from './work/retrying.ts'
import type { RunningJob } from './work/running-job.ts'
import { type WorkerOptions, workerSettings } from './work/worker-options.ts'

export { type Fault, JobsError } from './call/jobs-error.ts'
export type { ClientOptions, Fetch } from './call/settings.ts'
export type { ErrorCode, Job, LeasedJob } from './wire/types.ts'
export {
  type Handler,
  type JobContext,
  type PayloadSchema,
  type SchemaIssue,
  type SchemaResult,
  withSchema,
} from './work/handler.ts'
export { cancel, discard, type JobEnding, snooze } from './work/job-ending.ts'
export { JobAborted, JobFailure, type JobFailureOptions } from './work/job-failure.ts'
export type { WorkerEvent } from './work/worker-event.ts'
export type { WorkerOptions } from './work/worker-options.ts'

/** How long the last finishes may take after that, in milliseconds. */
const lastCallsMs = 5000

/**
 * Works until SIGTERM, SIGINT or `signal`. It then asks for no more jobs, lets running jobs, and those of a call that is answered within 250 ms,
 * go on for `graceSeconds`, aborts the others, and gives them back. A second signal ends the time for running jobs at once.
 * @throws TypeError for an option that cannot be right; JobsError where the server refuses the worker, such as its key
 */
export async function runWorker(options: WorkerOptions): Promise<void> {
  const settings = workerSettings(options, `${hostname().slice(0, 200)}-${process.pid}`)
  const client = clientWith(options)
  const running = new Set<RunningJob>()
  const attempts = new Set<Promise<void>>()
  const giveUp = new AbortController()
  const finisher = createFinisher({
    client,
    tell: settings.tell,
    signal: giveUp.signal,
    patienceMs: Math.max(patienceMs, settings.leaseMs),
  })
  const renewals = createRenewals({ client, settings, running })
  const cancels = listenForCancels({ client, settings, running, renew: renewals.now })
  const stop = stopOn(options)
  try {
    await leaseLoops({
      client,
      settings,
      running,
      attempts,
      finisher,
      renewals,
      cancels,
      signal: stop.first,
    })
  } finally {
    stop.begin()
    settings.tell({ event: 'stopping', running: running.size })
    await endOf(attempts, { running, graceMs: settings.graceMs, hurry: stop.second, giveUp })
    renewals.stop()
    cancels.stop()
    stop.end()
  }
}

interface Ending {
  running: ReadonlySet<RunningJob>
  graceMs: number
  /** Ends the time for running jobs. */
  hurry: AbortSignal
  /** Gives up the finishes that no server has answered. */
  giveUp: AbortController
}

/** Waits for the running jobs, aborts those that take too long, and waits until they are given back. */
async function endOf(attempts: ReadonlySet<Promise<void>>, ending: Ending): Promise<void> {
  const { running, graceMs, hurry, giveUp } = ending
  const timers: ReturnType<typeof setTimeout>[] = []
  const leaveAll = () => {
    for (const { leave } of running) leave.abort()
  }
  const abortAll = () => {
    for (const { abort } of running) abort.abort(new JobAborted('stopping'))
    timers.push(
      setTimeout(leaveAll, handlerStopMs),
      setTimeout(() => giveUp.abort(), handlerStopMs + lastCallsMs),
    )
  }
  timers.push(setTimeout(abortAll, graceMs))
  hurry.addEventListener('abort', abortAll, { once: true })
  if (hurry.aborted) abortAll()
  await Promise.all(attempts)
  for (const timer of timers) clearTimeout(timer)
}

interface Stop {
  first: AbortSignal
  second: AbortSignal
  /** The worker stops for another reason: the next signal is the second one. */
  begin: () => void
  end: () => void
}

/** What stops a worker: signals of the process, and the signal of its caller. */
function stopOn({ signal, handleSignals = true }: WorkerOptions): Stop {
  const [first, second] = [new AbortController(), new AbortController()]
  const onSignal = () => (first.signal.aborted ? second : first).abort()
  const onAbort = () => first.abort()
  const names = handleSignals ? (['SIGTERM', 'SIGINT'] as const) : []
  for (const name of names) process.on(name, onSignal)
  signal?.addEventListener('abort', onAbort, { once: true })
  if (signal?.aborted) first.abort()
  return {
    first: first.signal,
    second: second.signal,
    begin: () => first.abort(),
    end: () => {
      for (const name of names) process.off(name, onSignal)
      signal?.removeEventListener('abort', onAbort)
    },
  }
}
