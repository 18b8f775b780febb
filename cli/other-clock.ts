import * as z from 'zod'
import type { Endpoint } from '../shared/endpoint.ts'
import { spanText } from '../shared/time-and-size.ts'
import type { Context } from './context.ts'
import { leastMs, OtherClock } from './http/server-clock.ts'

/**
 * Takes the clock of the database for that by which times count from now.
 * @throws the error itself, where it is no OtherClock
 */
export async function takeOtherClock(context: Context, error: unknown): Promise<void> {
  if (!(error instanceof OtherClock)) throw error
  const aheadMs = await databaseAhead(context, error.aheadMs)
  if (Math.abs(aheadMs) < leastMs) return
  const far = spanText(60 * Math.round(Math.abs(aheadMs) / 60_000))
  const side = aheadMs > 0 ? 'behind' : 'ahead of'
  context.print.aside(
    `note: the clock of this machine is ${far} ${side} that of the database, by which times are taken`,
  )
}

const Told = z.object({ as_of: z.iso.datetime() })
const nothing = z.object({})

/** The overview, of which the time alone is read: its whole schema would make the start of every command slower. */
const timeOfDatabase: Endpoint<typeof nothing, typeof Told> = {
  method: 'GET',
  path: '/api/v1/jobs/overview',
  needs: 'read',
  scoped: 'narrowed',
  verb: 'stats',
  input: nothing,
  output: Told,
  changes: () => false,
}

/** How far the clock of the database is ahead, in milliseconds; that of the server where the server does not say it. */
async function databaseAhead(context: Context, ofServer: number): Promise<number> {
  const { clock } = context
  clock.matters = false
  const answer = await (await context.client()).call(timeOfDatabase, {}).catch(() => undefined)
  clock.aheadMs = answer ? Date.parse(answer.body.as_of) - Date.now() : ofServer
  return clock.aheadMs
}
