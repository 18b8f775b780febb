import { setTimeout as wait } from 'node:timers/promises'

/** Polls `condition` until it returns true, for at most `limitMs` milliseconds. Returns false when it never does. */
export async function within(limitMs: number, condition: () => Promise<boolean> | boolean): Promise<boolean> {
  const end = performance.now() + limitMs
  while (!(await condition())) {
    if (performance.now() > end) return false
    await wait(50)
  }
  return true
}

/** Until when a part of a cluster must do what it is asked, in seconds. */
const limitSeconds = 180

/**
 * Waits until `isSo` returns true.
 * @throws Error that says what did not come within three minutes
 */
export async function until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  if (!(await within(limitSeconds * 1000, isSo))) throw new Error(`${what} did not come within ${limitSeconds} s`)
}
