import type { Sql } from 'postgres'
import { wireTo } from '../../proxies/wire.ts'
import type { Bench } from '../bench.ts'
import type { Figure } from '../figure.ts'
import { duration, measureAlternately, type Side } from '../measure.ts'
import { copyOfPrunable, isPrunable, prunableRows, prune } from '../setup/prunable.ts'

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

const dryRun: Figure = {
  name: 'prune: dry run',
  ...{ against: 'count(*) with the ideal index, in SQL', unit: 'ms', ratio: 'ours / against', target: { atMost: 1.3 } },
  async measure(bench) {
    const [copy, baselineCopy] = [await copyOfPrunable(bench), await copyOfPrunable(bench)]
    await baselineCopy.sql`
      create index ideal on jobs ((coalesce(completed_at, cancelled_at, quarantined_at, created_at)))
      include (status, completed_at, cancelled_at, quarantined_at, created_at)`
    await Promise.all([copy.sql`vacuum (analyze) jobs`, baselineCopy.sql`vacuum (analyze) jobs`])
    const server = await bench.serve(copy.name)
    const count = () => baselineCopy.sql`select count(*) from jobs where ${isPrunable(baselineCopy.sql)}`
    const pair = await measureAlternately(
      { rounds: 9 },
      duration(() => prune(server, true)),
      duration(count),
    )
    await server.stop()
    await Promise.all([copy.drop(), baselineCopy.drop()])
    return { ...pair, note: 'the baseline only counts; a dry run also returns groups, owners, sizes and a sample' }
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
    ...{ against: 'one delete and insert, in SQL', unit: 'ms', ratio: 'ours / against', target: { atMost: 1.2 } },
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
