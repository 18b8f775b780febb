import { readFile } from 'node:fs/promises'
import type { Sql } from 'postgres'
import { Sizes } from '../../../bench/sizing/sizes.ts'
import type { Verdict } from '../../verdict.ts'
import { type Samples, sizedTables } from '../samples.ts'

/** How many times as large as docs/deploy/sizing.md says a table with its indexes may be, by the most rows that it had. */
const times = 2.5
/** What a table may have beside that: pages of indexes that hold few rows, and what autovacuum had not yet come to. */
const mebibyte = 1024 * 1024
const allowance = 16 * mebibyte
/** Tables that are emptied all the time, and what each may have. */
const passing = [
  'jobsctl_count_deltas',
  'jobsctl_transitions',
  'jobsctl_detached',
  'jobsctl_worker_marks',
  'jobsctl_pickups',
]

/** Checks the size of the tables against their rows. Also returns a line for each that says what it was. */
export async function checkBloat(sql: Sql, { mostRows }: Samples): Promise<{ verdict: Verdict; lines: string[] }> {
  const sizes = Sizes.parse(JSON.parse(await readFile('scripts/docs/sizing.json', 'utf8')))
  const lines: string[] = []
  const wrong: string[] = []
  for (const table of sizedTables) {
    const [row] = await sql<[{ bytes: number; dead: number; live: number }]>`
      select pg_total_relation_size(relid)::float8 as bytes, n_dead_tup::float8 as dead, n_live_tup::float8 as live
      from pg_stat_user_tables where relname = ${table}`
    const rows = mostRows.get(table) ?? 0
    const bytes =
      sizes.relations.filter((one) => one.table === table).reduce((sum, one) => sum + one.perMillion, 0) / 1e6
    const most = rows * bytes * times + allowance
    lines.push(
      `${table}: ${(row.bytes / mebibyte).toFixed(0)} MiB, at most ${(most / mebibyte).toFixed(0)}; ${rows} rows at the most, ${row.dead} dead now`,
    )
    if (row.bytes > most) wrong.push(lines.at(-1) ?? table)
    if (row.dead > Math.max(20_000, row.live)) wrong.push(`${table} has ${row.dead} dead rows beside ${row.live}`)
  }
  for (const table of passing) {
    const [row] = await sql<
      [{ bytes: number }]
    >`select pg_total_relation_size(${table}::text::regclass)::float8 as bytes`
    if (row.bytes > allowance) wrong.push(`${table} has ${(row.bytes / mebibyte).toFixed(0)} MiB`)
  }
  return {
    lines,
    verdict: {
      claim: 'tables are no larger than their rows explain',
      looked: sizedTables.length + passing.length,
      wrong,
    },
  }
}
