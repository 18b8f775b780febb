import type { Waiting } from '../../../shared/changes/waiting.ts'
import { sleepUntil } from '../change/sleep-until.ts'
import type { Pressure } from './look.ts'

/** The shortest time between two looks, in milliseconds, and how many times as long as a look it is at least. */
const [betweenLooksMs, timesTheLook] = [3000, 20]
/** A change that has waited for so long, in milliseconds, ends. */
const longestMs = 10 * 60_000

interface Pausing {
  look: () => Promise<Pressure | undefined>
  /** Tells what the change waits for, or that it goes on. Returns why somebody asked it to stop, as a clause. */
  tell: (waiting: Waiting | undefined) => Promise<string | undefined>
  /** True when the change must not wait any more. */
  mustStop: () => boolean
  /** The clock, in milliseconds. */
  now?: () => number
  sleep?: (ms: number) => Promise<unknown>
}

/**
 * Makes a function that waits before a batch until no limit is exceeded. It looks every 3 seconds, and less often where a look
 * takes long. The first batch waits for nothing: a change of one batch costs others little, and may be what ends an incident.
 * @returns why the change must end, as a clause; undefined where the next batch may begin
 */
export function createPause({ look, tell, mustStop, now = () => performance.now(), sleep }: Pausing) {
  /** Undefined before the first batch. */
  let nextLook: number | undefined

  async function timedLook(): Promise<Pressure | undefined> {
    const start = now()
    const pressure = await look()
    const end = now()
    nextLook = end + Math.max(betweenLooksMs, timesTheLook * (end - start))
    return pressure
  }

  return async (): Promise<string | undefined> => {
    const begun = now()
    const isDue = nextLook !== undefined && begun >= nextLook
    nextLook ??= begun
    if (!isDue) return undefined
    for (let waited = false; ; waited = true) {
      const pressure = await timedLook()
      if (!pressure) return waited ? tell(undefined) : undefined
      const waitedMs = now() - begun
      if (waitedMs >= longestMs) return `it waited for 10 minutes, since ${pressure.detail}`
      const asked = await tell({ ...pressure, seconds: Math.floor(waitedMs / 1000) })
      if (asked !== undefined) return asked
      await sleepUntil({ time: nextLook, now, mustStop, sleep })
      if (mustStop()) return undefined
    }
  }
}
