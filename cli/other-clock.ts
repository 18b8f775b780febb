import * as z from 'zod'
import type { Endpoint } from '../shared/endpoint.ts'
import { spanText } from '../shared/times/time-and-size.ts'
import type { Context } from './context.ts'
import { leastMs } from './http/server-clock.ts'

/**
 * Takes the clock of the database for that by which times count from now; that of the server where the overview cannot be read.
 * @param serverAheadMs how far the clock of the server, or of a proxy, is ahead, in milliseconds
 */
export async function takeOtherClock(context: Context, serverAheadMs: number): Promise<void> {
  const databaseAheadMs = await databaseAhead(context)
  const aheadMs = databaseAheadMs ?? serverAheadMs
  context.clock.aheadMs = aheadMs
  if (Math.abs(aheadMs) < leastMs) return
  const whose = databaseAheadMs === undefined ? 'server' : 'database'
  const far = spanText(60 * Math.round(Math.abs(aheadMs) / 60_000))
  const side = aheadMs > 0 ? 'behind' : 'ahead of'
  context.print.aside(
    `note: the clock of this machine is ${far} ${side} that of the ${whose}, by which times are taken`,
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

/** How far the clock of the database is ahead, in milliseconds; it is read halfway between request and answer. */
async function databaseAhead(context: Context): Promise<number | undefined> {
  const client = await context.client()
  const askedAt = Date.now()
  const answer = await client.call(timeOfDatabase, {}).catch(() => undefined)
  return answer && Date.parse(answer.body.as_of) - (askedAt + Date.now()) / 2
}
