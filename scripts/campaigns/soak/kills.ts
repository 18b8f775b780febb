import { setTimeout as wait } from 'node:timers/promises'
import type { Server } from '../../launch/restartable.ts'
import type { Workers } from '../../launch/workers.ts'

interface Killing {
  /** The server that lives on after its early kills, so that its memory can be watched. */
  watched: Server
  other: Server
  workers: Workers
  /** How long jobs are enqueued, in milliseconds. */
  totalMs: number
  signal: AbortSignal
}

/** The part of the time after which the watched server is not killed any more. */
const earlyPart = 0.15
/** The other server is killed so often in the whole time, or less often where the pauses would be shorter than so many milliseconds. */
const [kills, leastPauseMs] = [40, 20_000]

/** Kills servers and workers, by SIGKILL and SIGTERM in turn, until `signal` aborts. */
export async function kill({ watched, other, workers, totalMs, signal }: Killing): Promise<void> {
  let free = Promise.resolve()
  /** One server is away at a time, so that there is always one to call. */
  const restart = (server: Server, by: 'SIGKILL' | 'SIGTERM') => {
    free = free.then(() => (signal.aborted ? undefined : server.restart(500, by)))
    return free
  }
  const pauseFor = (ms: number) => wait(ms, undefined, { signal }).catch(() => {})
  const killWorkers = async () => {
    for (let n = 0; !signal.aborted; n++) {
      await pauseFor(7000)
      if (!signal.aborted) await workers.replace(n % workers.count, n % 3 === 0 ? 'SIGTERM' : 'SIGKILL')
    }
  }
  const killOther = async () => {
    for (let n = 0; !signal.aborted; n++) {
      await pauseFor(Math.max(totalMs / kills, leastPauseMs))
      await restart(other, n % 2 === 0 ? 'SIGKILL' : 'SIGTERM')
    }
  }
  const killWatched = async () => {
    for (const sign of ['SIGKILL', 'SIGTERM'] as const) {
      await pauseFor((totalMs * earlyPart) / 2 - 1000)
      await restart(watched, sign)
    }
  }
  await Promise.all([killWatched(), killWorkers(), killOther()])
}
