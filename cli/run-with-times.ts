import type { Context } from './context.ts'
import { OtherClock } from './http/server-clock.ts'
import { type Given, withTimes } from './settings/flags/time-flags.ts'

/**
 * Runs a command with the times that were given. Where the first answer to a read shows that the clock of the server differs, the command
 * begins again with times by that of the database: it has printed and changed nothing.
 */
export async function runWithTimes<T>(
  context: Context,
  given: Given,
  run: (values: Record<string, unknown>) => Promise<T>,
): Promise<T> {
  try {
    return await run(await withTimes(context, given))
  } catch (error) {
    if (!(error instanceof OtherClock)) throw error
    const { takeOtherClock } = await import('./other-clock.ts')
    await takeOtherClock(context, error.aheadMs)
    return run(await withTimes(context, given))
  }
}
