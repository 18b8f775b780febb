import type { Context } from './context.ts'
import { type Given, withTimes } from './settings/flags/time-flags.ts'

/**
 * Runs a command with the times that were given. Where the first answer says that the clock of the server is another one, the command begins
 * again with times by that of the database: reads and previews have changed nothing.
 */
export async function runWithTimes<T>(
  context: Context,
  given: Given,
  run: (values: Record<string, unknown>) => Promise<T>,
): Promise<T> {
  try {
    return await run(await withTimes(context, given))
  } catch (error) {
    if (!context.clock.matters) throw error
    const { takeOtherClock } = await import('./other-clock.ts')
    await takeOtherClock(context, error)
    return run(await withTimes(context, given))
  }
}
