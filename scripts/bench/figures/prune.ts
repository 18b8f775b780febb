import type { Sql } from 'postgres'
import type { Bench } from '../bench.ts'
import type { Figure } from '../figure.ts'
import { inTurn, type Side, timed } from '../rounds.ts'
import { copyOfPrunable, isPrunable, prunableRows, prune } from '../stage/prunable.ts'

/** Each round has copies of its own. */
const byServer =
  (bench: Bench, archive: boolean): Side =>
  async () => {
    const copy = await copyOfPrunable(bench)
    const server = await bench.serve(copy.name, { JOBS_ARCHIVE_BEFORE_DELETE: String(archive) })
    const took = await timed(() => prune(server))()
    await server.stop()
    await copy.drop()
    return took
  }

const bySql =
  (bench: Bench, statement: (sql: Sql) => Promise<{ count: number }>): Side =>
  async () => {
    const copy = await copyOfPrunable(bench)
    const took = await timed(async () => {
      const { count } = await statement(copy.sql)
      if (count !== prunableRows) throw new Error(`the statement changed ${count} rows`)
    })()
    await copy.drop()
    return took
  }

const deleted = async (sql: Sql) => sql`delete from jobs where ${isPrunable(sql)}`

async function moved(sql: Sql) {
  const columns = await sql<{ name: string }[]>`
    select attname as name from pg_attribute where attrelid = 'jobs'::regclass and attnum > 0 and not attisdropped`
  const list = sql(columns.map(({ name }) => name))
  return sql`
    with gone as (delete from jobs where ${isPrunable(sql)} returning *)
    insert into jobs_archive (${list}) select ${list} from gone`
}

/** Nothing is warm in a copy that was just made, on either side. */
const plan = { rounds: 3, warmUps: 0 }

const dryRun: Figure = {
  name: 'prune: dry run',
  ...{ against: 'count(*) with the ideal index, in SQL', unit: 'ms', ratio: 'ours / against', reach: { atMost: 1.3 } },
  async measure(bench) {
    const [own, other] = [await copyOfPrunable(bench), await copyOfPrunable(bench)]
    await other.sql`
      create index ideal on jobs ((coalesce(completed_at, cancelled_at, quarantined_at, created_at)))
      include (status, completed_at, cancelled_at, quarantined_at, created_at)`
    await Promise.all([own.sql`vacuum (analyze) jobs`, other.sql`vacuum (analyze) jobs`])
    const server = await bench.serve(own.name)
    const counted = () => other.sql`select count(*) from jobs where ${isPrunable(other.sql)}`
    const pair = await inTurn(
      { rounds: 9 },
      timed(() => prune(server, true)),
      timed(counted),
    )
    await server.stop()
    await Promise.all([own.drop(), other.drop()])
    return { ...pair, note: 'the count alone; a dry run also tells groups, owners, sizes and a sample' }
  },
}

export const pruning: readonly Figure[] = [
  {
    name: 'prune: 500,000 of 1,000,000, no archive',
    ...{ against: 'one delete, in SQL', unit: 'ms', ratio: 'ours / against', reach: { atMost: 0.7 } },
    measure: (bench) => inTurn(plan, byServer(bench, false), bySql(bench, deleted)),
  },
  {
    name: 'prune: the same into the archive',
    ...{ against: 'one delete and insert, in SQL', unit: 'ms', ratio: 'ours / against', reach: { atMost: 1.2 } },
    measure: (bench) => inTurn(plan, byServer(bench, true), bySql(bench, moved)),
  },
  dryRun,
]
