import { JobsError } from '../call/jobs-error.ts'
import { pause } from '../call/pause.ts'
import { requireNumber } from '../call/settings.ts'
import { clientWith } from '../client-with.ts'
import type { WorkerEvent } from '../work/worker-event.ts'
import type { WorkerOptions } from '../work/worker-options.ts'
import { runWorker } from '../worker.ts'

export interface EmptyOptions {
  /** How long the worker may take, in milliseconds; 30,000 when absent. */
  timeoutMs?: number | undefined
}

/** How many attempts ended in which way. */
export interface RunResult {
  completed: number
  failed: number
  released: number
  cancelled: number
}

/** The pause between two looks at the queue, in milliseconds. */
const lookMs = 25

/**
 * Runs a worker until nothing of its queues is due or running. Jobs that are due later, such as those that failed and wait for their next
 * attempt, stay. Failures are on stderr unless the worker has `onEvent`.
 * @throws JobsError `timed_out` with the number of jobs that are left, and what `runWorker` throws
 */
export async function runUntilEmpty(
  options: WorkerOptions,
  { timeoutMs = 30_000 }: EmptyOptions = {},
): Promise<RunResult> {
  requireNumber('timeoutMs', timeoutMs, 1, 2 ** 31 - 1)
  const result: RunResult = { completed: 0, failed: 0, released: 0, cancelled: 0 }
  const stop = new AbortController()
  const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal
  const isCounted = (event: string): event is keyof RunResult => Object.hasOwn(result, event)
  const onEvent = (event: WorkerEvent) => {
    if (isCounted(event.event)) result[event.event] += 1
    if (options.onEvent) options.onEvent(event)
    else if (event.event === 'failed') console.error(`job ${event.job_id} (${event.job_type}) failed: ${event.error}`)
  }
  const worker = runWorker({ waitSeconds: 1, handleSignals: false, ...options, signal, onEvent })
  try {
    // A worker that is refused ends at once, and throws why.
    await Promise.race([worker, untilEmpty(options, { signal, timeoutMs })])
  } finally {
    stop.abort()
    await worker
  }
  return result
}

async function untilEmpty(
  options: WorkerOptions,
  { signal, timeoutMs }: { signal: AbortSignal; timeoutMs: number },
): Promise<void> {
  const client = clientWith(options)
  const queues = options.queues ?? [options.queue ?? 'default']
  const takes = (type: string) => Object.hasOwn(options.handlers, '*') || Object.hasOwn(options.handlers, type)
  const endAt = performance.now() + timeoutMs
  for (;;) {
    const groups = await client.stats({ domain: options.domain })
    const left = groups
      .filter(({ queue, job_type }) => queues.includes(queue) && takes(job_type))
      .reduce((sum, { queued, processing }) => sum + queued + processing, 0)
    if (left === 0 || signal.aborted) return
    if (performance.now() > endAt)
      throw new JobsError('timed_out', `${left} jobs of ${options.domain} are queued or running after ${timeoutMs} ms`)
    await pause(lookMs, signal)
  }
}
