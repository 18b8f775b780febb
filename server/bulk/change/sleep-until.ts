import { setTimeout as wait } from 'node:timers/promises'

/** The longest sleep before the change looks again whether it must stop, in milliseconds. */
const sliceMs = 250

interface Sleep {
  /** The time to wake up, on the clock `now`, in milliseconds. */
  time: number
  now: () => number
  /** True when the change must not wait any more. */
  mustStop: () => boolean
  sleep?: ((ms: number) => Promise<unknown>) | undefined
}

/** Sleeps until a time, or until the change must stop. */
export async function sleepUntil({ time, now, mustStop, sleep = wait }: Sleep): Promise<void> {
  while (now() < time && !mustStop()) await sleep(Math.min(sliceMs, Math.max(1, time - now())))
}
