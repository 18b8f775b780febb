import { onTestFinished } from 'vitest'
import { runWorker, type WorkerEvent, type WorkerOptions } from '../../../sdk/worker.ts'

/** A worker that runs in the process of the test. */
export interface RunningWorker {
  events: WorkerEvent[]
  /** Resolves when the worker has ended. */
  ended: Promise<void>
  stop: () => Promise<void>
}

/** Starts a worker, which ends with its test. */
export function startWorker(options: WorkerOptions): RunningWorker {
  const stopping = new AbortController()
  const events: WorkerEvent[] = []
  const ended = runWorker({
    ...{ waitSeconds: 5, graceSeconds: 0, handleSignals: false },
    ...options,
    signal: stopping.signal,
    onEvent: (event) => {
      events.push(event)
      options.onEvent?.(event)
    },
  })
  ended.catch(() => {})
  const stop = () => {
    stopping.abort()
    return ended
  }
  onTestFinished(async () => {
    await stop().catch(() => {})
  })
  return { events, ended, stop }
}
