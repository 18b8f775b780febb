import type { Sql } from 'postgres'
import type { Bench } from '../../bench.ts'
import type { Figure } from '../../figure.ts'
import { duration, meanDuration, measureAlternately, type Side } from '../../measure.ts'
import {
  type BossCalls,
  bossQueues,
  bossRead,
  type PlainStatement,
  pgBossName,
  startPlain,
} from '../../setup/pg-boss.ts'

const api = '/api/v1/jobs'
const [, , queue = ''] = bossQueues

/** The read of a figure, over HTTP. */
interface Read {
  name: string
  path: (sql: Sql) => Promise<string>
  /** How often it is called in a round. */
  calls: number
}

interface InSql extends Read {
  /** The same as somebody would write it who knows the tables. */
  statement: (sql: Sql) => Promise<PlainStatement>
}

interface ByBoss extends Read {
  against: string
  /** What makes pg-boss count again, in place of an answer that it has kept. */
  before?: (sql: Sql) => Promise<unknown>
  boss: (sql: Sql) => Promise<BossCalls>
}

const ours = async (bench: Bench, { path, calls }: Read): Promise<Side> => {
  const { server, sql } = await bossRead(bench)
  const asked = `${api}${await path(sql)}`
  return meanDuration(calls, () => server.api.get(asked))
}

const rounds = { rounds: 15, warmUps: 3 }

/** Both sides answer over HTTP, so that the ratio is of what the product does, and not of HTTP. */
const besideSql = ({ statement, ...read }: InSql): Figure => ({
  name: `pg-boss: ${read.name}`,
  ...{ against: 'the same in SQL, behind a bare route', unit: 'ms', ratio: 'ours / against', target: { atMost: 1.5 } },
  async measure(bench) {
    const { name, sql } = await bossRead(bench)
    const plain = await startPlain(bench, name, { '/': { parameters: [], ...(await statement(sql)) } })
    const theirs = meanDuration(read.calls, () => plain.api.get('/'))
    const pair = await measureAlternately(rounds, await ours(bench, read), theirs)
    await plain.stop()
    return pair
  },
})

const besideBoss = ({ against, before, boss: callsOf, ...read }: ByBoss): Figure => ({
  name: `pg-boss: ${read.name}`,
  ...{
    against: `${pgBossName}: ${against}, behind a bare route`,
    unit: 'ms',
    ratio: 'ours / against',
    target: { atMost: 1.5 },
  },
  async measure(bench) {
    const { sql, boss } = await bossRead(bench)
    const calls = await callsOf(sql)
    const theirs = async () => {
      let ms = 0
      for (let call = 0; call < read.calls; call++) {
        await before?.(sql)
        ms += await duration(() => boss.run(calls))()
      }
      return ms / read.calls
    }
    return measureAlternately(rounds, await ours(bench, read), theirs)
  },
})

const someJob = async (sql: Sql): Promise<string> => {
  const [job] = await sql<
    { id: string }[]
  >`select id from pgboss.job where name = ${queue} and state = 'failed' limit 1`
  return job?.id ?? ''
}

const stats = { name: 'stats', path: async () => '/stats', calls: 5 }
const newest = { name: 'list, newest 100', path: async () => '/list?limit=100', calls: 20 }
const oldest = {
  name: 'list, oldest 100 of a queue',
  path: async () => `/list?queue=${queue}&sort_order=asc&limit=100`,
  calls: 20,
}
const byUuid = { name: 'show by uuid', path: async (sql: Sql) => `/job?key=${await someJob(sql)}`, calls: 50 }
const byKey = { name: 'show by key', path: async (sql: Sql) => `/job?key=${queue}/${await someJob(sql)}`, calls: 50 }
const clusters = { name: 'clusters of failed jobs', path: async () => '/clusters?status=failed', calls: 2 }

/** Columns of a job as a list shows them. */
const listed = `id, job.name, state, priority, job.data, output, created_on, start_after, started_on, completed_on, retry_count`

/** The texts are folded once each, as everywhere. */
const groupedFailures = `
  with texts as materialized (
    select
      name, output ->> 'code' as code, output ->> 'message' as message, count(*) as jobs, min(completed_on) as first,
      max(completed_on) as last, max(id::text) as id
    from pgboss.job
    where state = 'failed'
    group by name, code, message
  ),
  patterns as materialized (
    select
      message, regexp_replace(regexp_replace(message, '"[^"]*"', '<text>', 'g'), '[0-9]+', '#', 'g') as pattern
    from (select distinct message from texts) as distinct_texts
  ),
  queues as (
    select code, pattern, name, sum(jobs) as jobs, min(first) as first, max(last) as last, max(id) as id
    from texts
    join patterns using (message)
    group by code, pattern, name
  )
  select
    code, pattern, sum(jobs) as jobs, min(first), max(last), max(id),
    jsonb_agg(jsonb_build_object('queue', name, 'jobs', jobs) order by jobs desc) as queues
  from queues
  group by code, pattern
  order by jobs desc
  limit 100`

/** Reads of a million jobs of pg-boss. */
export const pgBossReads: readonly Figure[] = [
  besideSql({
    ...stats,
    statement: async () => ({
      text: `
        select
          name,
          count(*) filter (where state < 'active' and not blocked and start_after <= now()) as queued,
          count(*) filter (where state < 'active' and (blocked or start_after > now())) as scheduled,
          count(*) filter (where state = 'active') as active,
          count(*) filter (where state = 'failed') as failed
        from pgboss.job
        where state in ('created', 'retry', 'active', 'failed')
        group by name
        order by name`,
    }),
  }),
  besideBoss({
    ...stats,
    against: 'getQueueStats() of each queue, counted now',
    before: (sql) => sql`update pgboss.queue set monitor_on = null`,
    boss: async () => bossQueues.map((name) => ['getQueueStats', name, { force: true }] as const),
  }),
  besideSql({
    ...newest,
    statement: async () => ({
      text: `
        select newest.*
        from pgboss.queue
        cross join lateral (
          select ${listed} from pgboss.job where job.name = queue.name order by created_on desc limit 100
        ) as newest
        order by created_on desc
        limit 100`,
    }),
  }),
  besideSql({
    ...oldest,
    statement: async () => ({
      text: `select ${listed} from pgboss.job where name = $1 order by created_on limit 100`,
      parameters: [queue],
    }),
  }),
  besideBoss({ ...oldest, against: 'findJobs()', boss: async () => [['findJobs', queue, { limit: 100 }]] }),
  besideSql({
    ...byUuid,
    statement: async (sql) => ({
      text: `
        select job.*
        from pgboss.queue
        cross join lateral (select * from pgboss.job where job.name = queue.name and job.id = $1) as job`,
      parameters: [await someJob(sql)],
    }),
  }),
  besideBoss({
    ...byKey,
    against: 'findJobs() by id',
    boss: async (sql) => [['findJobs', queue, { id: await someJob(sql) }]],
  }),
  besideSql({ ...clusters, statement: async () => ({ text: groupedFailures }) }),
]
