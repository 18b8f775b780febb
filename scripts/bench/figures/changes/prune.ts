import type { Sql } from 'postgres'
import { wireTo } from '../../../launch/wire.ts'
import type { Bench } from '../../bench.ts'
import type { Figure } from '../../figure.ts'
import { duration, measureAlternately, type Side } from '../../measure.ts'
import { copyOfPrunable, isPrunable, prunableRows, prune } from '../../setup/prunable.ts'

/** Measures a prune by the server. Each round has its own copy of the table. */
const byServer =
  (bench: Bench, archive: boolean): Side =>
  async () => {
    const copy = await copyOfPrunable(bench)
    const server = await bench.serve(copy.name, { JOBS_ARCHIVE_BEFORE_DELETE: String(archive) })
    const took = await duration(() => prune(server))()
    await server.stop()
    await copy.drop()
    return took
  }

/** Measures a statement that deletes the same rows. Each round has its own copy of the table. */
const bySql =
  (bench: Bench, statement: (sql: Sql) => Promise<{ count: number }>): Side =>
  async () => {
    const copy = await copyOfPrunable(bench)
    const took = await duration(async () => {
      const { count } = await statement(copy.sql)
      if (count !== prunableRows) throw new Error(`the statement deleted ${count} rows, not ${prunableRows}`)
    })()
    await copy.drop()
    return took
  }

const deleteRows = async (sql: Sql) => sql`delete from jobs where ${isPrunable(sql)}`

async function moveToArchive(sql: Sql) {
  const columns = await sql<{ name: string }[]>`
    select attname as name from pg_attribute where attrelid = 'jobs'::regclass and attnum > 0 and not attisdropped`
  const list = sql(columns.map(({ name }) => name))
  return sql`
    with deleted as (delete from jobs where ${isPrunable(sql)} returning *)
    insert into jobs_archive (${list}) select ${list} from deleted`
}

/** No warm-up: each round has new copies, so both sides start with cold caches. */
const plan = { rounds: 3, warmUps: 0 }

/**
 * What a dry run tells, as an operator would ask for it in psql: how many jobs, the first and the last, the largest groups and owners,
 * and the bytes by a sample.
 */
const described = (sql: Sql) => sql`
  with prunable as not materialized (
    select *, coalesce(completed_at, cancelled_at, quarantined_at, created_at) as ended
    from jobs
    where ${isPrunable(sql)}
  ),
  counted as (
    select
      domain, queue, job_type, status, owner_user_id, grouping(owner_user_id) = 0 as by_owner,
      count(*), min(ended) as first, max(ended) as last
    from prunable
    group by grouping sets ((domain, queue, job_type, status), (owner_user_id))
  ),
  total as (
    select sum(count) as count, min(first) as first, max(last) as last from counted where not by_owner
  )
  select
    total.*,
    count * (select avg(pg_column_size(sample)) from (select * from prunable limit 200) as sample) as bytes,
    (
      select json_agg(largest)
      from (
        select domain, queue, job_type, status, count, first from counted where not by_owner order by count desc limit 100
      ) as largest
    ) as groups,
    (
      select json_agg(largest)
      from (select owner_user_id, count from counted where by_owner order by count desc limit 10) as largest
    ) as owners
  from total`

/** Both sides read the same table, and neither has an index that the other one lacks. */
const dryRun: Figure = {
  name: 'prune: dry run',
  against: 'one statement that tells the same, in SQL',
  ...{ unit: 'ms', ratio: 'ours / against', target: { atMost: 1.2 } },
  async measure(bench) {
    const copy = await copyOfPrunable(bench)
    await copy.sql`vacuum (analyze) jobs`
    const server = await bench.serve(copy.name)
    const pair = await measureAlternately(
      { rounds: 9 },
      duration(() => prune(server, true)),
      duration(async () => {
        const [{ count } = { count: 0 }] = await described(copy.sql)
        if (Number(count) !== prunableRows) throw new Error(`the statement counted ${count} rows, not ${prunableRows}`)
      }),
    )
    await server.stop()
    await copy.drop()
    return pair
  },
}

/** Measures a prune by a server whose every round trip to the database takes as many milliseconds longer. */
const atDistance =
  (bench: Bench, roundTrip: number): Side =>
  async () => {
    const copy = await copyOfPrunable(bench)
    const wire = await wireTo(bench.urlOf(copy.name))
    wire.slow(() => roundTrip / 2)
    const server = await bench.serve(copy.name, { JOBS_DB_URL: wire.url })
    const took = await duration(() => prune(server))()
    await server.stop()
    await wire.stop()
    await copy.drop()
    return took
  }

const distant = (roundTrip: number, most: number): Figure => ({
  name: `prune: the same with a round trip of ${roundTrip} ms`,
  ...{ against: 'the same without', unit: 'ms', ratio: 'ours / against', target: { atMost: most } },
  measure: (bench) => measureAlternately(plan, atDistance(bench, roundTrip), atDistance(bench, 0)),
})

const holds = 10

/** Measures a prune that compares each job with holds, of which no job fits one. */
const besideHolds =
  (bench: Bench, n: number): Side =>
  async () => {
    const copy = await copyOfPrunable(bench)
    const server = await bench.serve(copy.name)
    const until = new Date(Date.now() + 86_400_000).toISOString()
    for (let hold = 0; hold < n; hold++)
      await server.api.post('/api/v1/jobs/holds', { owner_user_id: `nobody-${hold}`, until })
    const took = await duration(() => prune(server))()
    await server.stop()
    await copy.drop()
    return took
  }

/** The duration of prunes and of their preview. */
export const pruning: readonly Figure[] = [
  {
    name: 'prune: 500,000 of 1,000,000, no archive',
    ...{ against: 'one delete, in SQL', unit: 'ms', ratio: 'ours / against', target: { atMost: 0.7 } },
    measure: (bench) => measureAlternately(plan, byServer(bench, false), bySql(bench, deleteRows)),
  },
  {
    name: 'prune: the same into the archive',
    ...{ against: 'one delete and insert, in SQL', unit: 'ms', ratio: 'ours / against', target: { atMost: 1.4 } },
    measure: (bench) => measureAlternately(plan, byServer(bench, true), bySql(bench, moveToArchive)),
  },
  {
    name: `prune: beside ${holds} holds`,
    ...{ against: 'without a hold', unit: 'ms', ratio: 'ours / against' },
    measure: (bench) => measureAlternately(plan, besideHolds(bench, holds), besideHolds(bench, 0)),
  },
  distant(20, 2),
  distant(100, 5),
  dryRun,
]
