import type { Sql } from 'postgres'
import * as z from 'zod'
import { apiKey } from '../../../launch/server.ts'
import type { Figure } from '../../figure.ts'
import { measureRequestRate } from '../../load/request-rate.ts'
import { duration, measureAlternately } from '../../measure.ts'
import { large } from '../../setup/large.ts'

export const statsPath = '/api/v1/jobs/stats'

const Count = z.coerce.number()
const Groups = z.array(
  z.object({
    ...{ domain: z.string(), queue: z.string(), job_type: z.string() },
    ...{ queued: Count, scheduled: Count, processing: Count, quarantined: Count },
  }),
)

/** The query that an operator would type into psql. It runs on one open connection, without starting psql. */
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

const figure = (name: string, domain?: string): Figure => ({
  name,
  ...{ against: 'group by over the table, in SQL', unit: 'ms', ratio: 'against / ours', target: { atLeast: 50 } },
  async measure(bench) {
    const { server, sql } = await large(bench)
    const path = domain === undefined ? statsPath : `${statsPath}?domain=${domain}`
    await assertSameCounts(
      () => server.api.get(path),
      () => grouped(sql, domain),
    )
    return measureAlternately(
      { rounds: 9 },
      duration(() => server.api.get(path)),
      duration(() => grouped(sql, domain)),
    )
  },
})

/**
 * Compares the counts of both sides, up to five times, since scheduled jobs become due between two reads.
 * @throws Error when no comparison is equal
 */
async function assertSameCounts(ours: () => Promise<unknown>, theirs: () => PromiseLike<unknown>): Promise<void> {
  for (let tries = 0; ; tries++) {
    const [fromServer, fromSql] = [Groups.parse(await ours()), Groups.parse(await theirs())]
    if (JSON.stringify(fromServer) === JSON.stringify(fromSql)) return
    if (tries === 4) throw new Error('the counts of the server and of SQL differ')
  }
}

/** One result may serve all callers that wait at the same time. */
const concurrentCallers: Figure = {
  name: 'stats: 16 concurrent callers',
  ...{ against: 'one caller', unit: 'calls/s', ratio: 'ours / against', target: { atLeast: 8 } },
  async measure(bench) {
    const { server } = await large(bench)
    const callers = (connections: number) => () =>
      measureRequestRate(`${server.url}${statsPath}`, { connections, ms: 1500, headers: { 'x-api-key': apiKey } })
    return measureAlternately({ rounds: 5 }, callers(16), callers(1))
  },
}

/** The latency and the throughput of stats. */
export const stats: readonly Figure[] = [
  figure('stats: all domains'),
  figure('stats: one domain', 'domain3'),
  concurrentCallers,
]
