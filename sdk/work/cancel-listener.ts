import { pause } from '../call/pause.ts'
import type { Client } from '../client-with.ts'
import { askedMs, isPassing } from './retrying.ts'
import type { RunningJob } from './running-job.ts'
import type { WorkerSettings } from './worker-options.ts'

interface Options {
  client: Client
  settings: WorkerSettings
  running: ReadonlySet<RunningJob>
  /** Renews the leases now: the answer says which handlers are to stop. */
  renew: () => void
}

export interface CancelListener {
  /** A job runs. */
  changed: () => void
  stop: () => void
}

/** The pause after a call that failed, in milliseconds. */
const failedMs = 5000
/** The shortest time between two calls, in milliseconds. */
const betweenMs = 500

/**
 * Hears within about two seconds that somebody asked to end a running job. A server before 0.3.0 has no such call, and then the worker
 * hears it at the next renewal.
 */
export function listenForCancels({ client, settings, running, renew }: Options): CancelListener {
  const stopping = new AbortController()
  const { signal } = stopping
  const known = new Set<number>()
  let isListening = false

  async function listen(): Promise<void> {
    isListening = true
    while (running.size > 0 && !signal.aborted) {
      for (const id of known) if (![...running].some(({ job }) => job.id === id)) known.delete(id)
      const beganAt = performance.now()
      try {
        const request = { worker_id: settings.workerId, known: [...known], wait_seconds: settings.waitSeconds }
        const { ids } = await client.cancelRequests(request, { signal, retries: 0 })
        for (const id of ids) known.add(id)
        if (ids.length > 0) renew()
        await pause(Math.max(0, betweenMs - (performance.now() - beganAt)), signal)
      } catch (error) {
        // Left listening for good: the renewals tell the same.
        if (!isPassing(error)) return
        await pause(Math.max(failedMs, askedMs(error)), signal)
      }
    }
    isListening = false
  }

  return {
    changed: () => {
      if (!isListening && !signal.aborted) void listen()
    },
    stop: () => stopping.abort(),
  }
}
