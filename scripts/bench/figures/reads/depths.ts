import type { Sql } from 'postgres'
import type { Bench } from '../../bench.ts'
import type { Figure } from '../../figure.ts'
import { duration, measureAlternately } from '../../measure.ts'
import { memoize } from '../../memoize.ts'
import { large } from '../../setup/large.ts'
import type { BenchServer } from '../../setup/servers.ts'
import { statsPath } from './stats.ts'

/** A week of depths of every group of the large table, two groups of three with a row a minute. */
const withDepths = memoize(async (bench: Bench): Promise<{ server: BenchServer; sql: Sql }> => {
  const { server, sql } = await large(bench)
  bench.logProgress('   inserting depths of a week')
  await sql`delete from jobsctl_depths`
  await sql`delete from jobsctl_depth_moments`
  await sql`delete from jobsctl_depth_groups`
  await sql`
    insert into jobsctl_depth_groups (domain, queue, job_type, names)
    select domain, queue, job_type, md5(jsonb_build_array(domain, queue, job_type)::text)::uuid
    from (select distinct domain, queue, job_type from jobs) as groups`
  await sql`
    insert into jobsctl_depth_moments (moment, whole, queued, scheduled, processing, quarantined)
    select moment, extract(minute from moment) = 0, 1000, 10, 10, 1
    from (select date_trunc('minute', now()) - n * interval '1 minute' as moment from generate_series(1, 10080) as n) as minutes`
  await sql`
    insert into jobsctl_depths
    select moment, id, whole, random() * 1000, 0, 1, 0
    from jobsctl_depth_moments, jobsctl_depth_groups where whole or random() < 0.67`
  await sql`vacuum analyze jobsctl_depths, jobsctl_depth_moments, jobsctl_depth_groups`
  return { server, sql }
})

const figure = (name: string, limitMs: number, path: (sql: Sql) => Promise<string>): Figure => ({
  name: `time: ${name}`,
  against: `${limitMs} ms`,
  ...{ unit: 'ms', ratio: 'ours / against', target: { atMost: 1 } },
  async measure(bench) {
    const { server, sql } = await withDepths(bench)
    const asked = await path(sql)
    return measureAlternately(
      { rounds: 15 },
      duration(() => server.api.load(asked)),
      async () => limitMs,
    )
  },
})

const historyPath = '/api/v1/jobs/history?depth=true'

const ofOneQueue = async (sql: Sql): Promise<string> => {
  const [group] = await sql<{ domain: string; queue: string }[]>`select domain, queue from jobsctl_depth_groups limit 1`
  return `${historyPath}&step=5m&domain=${group?.domain}&queue=${group?.queue}`
}

const hoursAgo = (hours: number): string => new Date(Date.now() - hours * 3_600_000).toISOString()

const atCost: Figure = {
  name: 'time: stats of a moment',
  against: 'stats of now, and 10 ms',
  ...{ unit: 'ms', ratio: 'ours / against', target: { atMost: 1 } },
  async measure(bench) {
    const { server } = await withDepths(bench)
    const now = duration(() => server.api.load(statsPath))
    return measureAlternately(
      { rounds: 15 },
      duration(() => server.api.load(`${statsPath}?at=${hoursAgo(5.5)}`)),
      async () => (await now()) + 10,
    )
  },
}

/** What the past of queues takes to read. */
export const depths: readonly Figure[] = [
  atCost,
  figure('history with depths, 24 h by 5 minutes, one queue', 50, ofOneQueue),
  figure('history with depths, 24 h by 15 minutes, all queues', 100, async () => `${historyPath}&step=15m`),
]
