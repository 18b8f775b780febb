import type { Sql } from 'postgres'
import * as z from 'zod'
import type { Figure } from '../figure.ts'
import { flood } from '../load/flood.ts'
import { inTurn, timed } from '../rounds.ts'
import { apiKey } from '../stage/api.ts'
import { large } from '../stage/large.ts'

export const statsPath = '/api/v1/jobs/stats'

const Count = z.coerce.number()
const Groups = z.array(
  z.object({
    ...{ domain: z.string(), queue: z.string(), job_type: z.string() },
    ...{ queued: Count, scheduled: Count, processing: Count, quarantined: Count },
  }),
)

/** What one would type into psql, on a connection as psql has one; psql itself is not started for each. */
const grouped = (sql: Sql, domain?: string) => sql`
  select
    domain, queue, job_type,
    count(*) filter (where status = 'queued' and (available_at is null or available_at <= now())) as queued,
    count(*) filter (where status = 'queued' and available_at > now()) as scheduled,
    count(*) filter (where status = 'processing') as processing,
    count(*) filter (where status = 'quarantined') as quarantined
  from jobs
  ${domain === undefined ? sql`` : sql`where domain = ${domain}`}
  group by domain, queue, job_type
  order by domain, queue, job_type`

const ofScope = (name: string, domain?: string): Figure => ({
  name,
  ...{ against: 'group by over the table, in SQL', unit: 'ms', ratio: 'against / ours', reach: { atLeast: 50 } },
  async measure(bench) {
    const { server, sql } = await large(bench)
    const path = domain === undefined ? statsPath : `${statsPath}?domain=${domain}`
    await sameCounts(
      () => server.api.get(path),
      () => grouped(sql, domain),
    )
    return inTurn(
      { rounds: 9 },
      timed(() => server.api.get(path)),
      timed(() => grouped(sql, domain)),
    )
  },
})

/** Jobs fall due between two looks, so that one of several must agree. */
async function sameCounts(ours: () => Promise<unknown>, theirs: () => PromiseLike<unknown>): Promise<void> {
  for (let tries = 0; ; tries++) {
    const [told, counted] = [Groups.parse(await ours()), Groups.parse(await theirs())]
    if (JSON.stringify(told) === JSON.stringify(counted)) return
    if (tries === 4) throw new Error('the server does not count what SQL counts')
  }
}

/** One answer may serve all who ask at the same time. */
const callers: Figure = {
  name: 'stats: 16 callers at once',
  ...{ against: 'one caller', unit: 'calls/s', ratio: 'ours / against', reach: { atLeast: 8 } },
  async measure(bench) {
    const { server } = await large(bench)
    const callers = (connections: number) => () =>
      flood(`${server.url}${statsPath}`, { connections, ms: 1500, headers: { 'x-api-key': apiKey } })
    return inTurn({ rounds: 5 }, callers(16), callers(1))
  },
}

export const stats: readonly Figure[] = [ofScope('stats: the whole'), ofScope('stats: one domain', 'domain3'), callers]
