import type { Sql } from 'postgres'
import type { Bench } from '../bench.ts'
import { acquireAll, enqueueAll, finishAll } from '../load/worker-pool.ts'
import type { BenchServer } from '../setup/servers.ts'
import { untilCounted } from '../setup/until-prepared.ts'
import type { Sizes } from './sizes.ts'

/** Jobs of a wave: between two waves the tables are vacuumed, as autovacuum does it while workers go on. */
const [waves, wave] = [5, 20_000]

/** The number of jobs whose rows are measured. */
export const measuredJobs = waves * wave

export interface SizedDatabase {
  server: BenchServer
  sql: Sql
}

/** A server with jobs that workers have enqueued, leased and completed by the calls of the API. */
export async function workedDatabase(bench: Bench): Promise<SizedDatabase> {
  await bench.create('sizing')
  const server = await bench.serve('sizing', { JOBS_HISTORY: 'on' })
  const sql = bench.sqlOf('sizing')
  const pool = { apis: [server.api], workers: 4 }
  for (let n = 1; n <= waves; n++) {
    await enqueueAll(pool, { jobs: wave, batch: 1000 })
    const { leased } = await acquireAll(pool, { jobs: wave, batch: 100 })
    await finishAll(pool, leased, 100)
    await sql`vacuum (analyze) jobs`
    bench.logProgress(`   ${(n * wave).toLocaleString('en')} jobs are completed`)
  }
  await untilCounted(sql)
  return { server, sql }
}

type Relations = Sizes['relations']

/** The rows and the indexes of tables; rows come first. A table without rows is left out. */
export async function relationsOf(sql: Sql, tables: readonly string[]): Promise<Relations> {
  const found: Relations = []
  for (const table of tables) {
    const [{ rows }] = await sql<[{ rows: number }]>`select count(*)::float8 as rows from ${sql(table)}`
    if (rows === 0) continue
    const relations = await sql<{ index: string | null; bytes: number }[]>`
      select null as index, (pg_table_size(${table}::text::regclass))::float8 as bytes
      union all
      select c.relname, pg_relation_size(c.oid)::float8
      from pg_index i join pg_class c on c.oid = i.indexrelid
      where i.indrelid = ${table}::text::regclass
      order by index nulls first`
    for (const { index, bytes } of relations)
      found.push({ table, ...(index !== null && { index }), perMillion: Math.round((bytes * 1_000_000) / rows) })
  }
  return found
}

/** A day of depths of 100 groups, in rows as the server writes them, and their sizes. */
export async function depths(sql: Sql): Promise<Relations> {
  await sql`
    insert into jobsctl_depths (moment, group_id, whole, queued, scheduled, processing, quarantined)
    select at, n, extract(minute from at) = 0, random() * 1000, random() * 10, random() * 100, 0
    from generate_series(date_trunc('hour', now()) - interval '1 day', now(), interval '1 minute') as at,
      generate_series(1, 100) as n`
  return relationsOf(sql, ['jobsctl_depths'])
}

/**
 * Copies the real rows of the history to a day of minutes and hours of 100 groups, so that the size of a row is not that of an empty
 * page, and measures them.
 */
export async function rollups(sql: Sql): Promise<Relations> {
  for (const [table, step] of [
    ['jobsctl_history_minutes', '1 minute'],
    ['jobsctl_history_hours', '1 hour'],
  ] as const) {
    await sql`
      insert into ${sql(table)} (starts, domain, queue, job_type, from_status, to_status, jobs, milliseconds, buckets)
      select at, domain || n, queue, job_type, from_status, to_status, jobs, milliseconds, buckets
      from (select distinct on (from_status, to_status) * from ${sql(table)} order by from_status, to_status, starts) as one,
        generate_series(1, 100) as n,
        generate_series(now() - interval '1 day', now(), ${step}::text::interval) as at`
  }
  return relationsOf(sql, ['jobsctl_history_minutes', 'jobsctl_history_hours'])
}
