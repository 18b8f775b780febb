import type { Sql } from 'postgres'
import type { Bench } from '../bench.ts'
import { memoize } from '../memoize.ts'
import { createDatabase } from './create-database.ts'
import type { BenchServer } from './servers.ts'

interface Large {
  server: BenchServer
  sql: Sql
}

/** One row in twenty is live, scattered over the table. */
const filling = { live: 'i % 20 = 0', age: '(i % 300) / 10.0' }

/** The large table of `bench.rows` rows, and its server. */
export const large = memoize(async (bench: Bench): Promise<Large> => {
  bench.logProgress(`   inserting ${bench.rows.toLocaleString('en')} rows`)
  await createDatabase(bench, 'large', { rows: bench.rows, ...filling })
  // The copy comes before the server, since CREATE DATABASE needs a template without sessions.
  await bench.create('churned', 'large')
  return { server: await bench.serve('large'), sql: bench.sqlOf('large') }
})

/** The number of groups of `manyGroups`. */
export const manyGroupsCount = 3000

/** A table as large, whose jobs are in ten times as many groups, and its server. */
export const manyGroups = memoize(async (bench: Bench): Promise<Large> => {
  bench.logProgress(
    `   inserting ${bench.rows.toLocaleString('en')} rows in ${manyGroupsCount.toLocaleString('en')} groups`,
  )
  await createDatabase(bench, 'many_groups', { rows: bench.rows, ...filling, groups: manyGroupsCount })
  return { server: await bench.serve('many_groups'), sql: bench.sqlOf('many_groups') }
})

/** A table of a hundredth of the rows of the large one, in as many groups. */
export const small = memoize(
  (bench: Bench): Promise<void> => createDatabase(bench, 'small', { rows: bench.rows / 100, ...filling }),
)

/** A server on a table that has only the live rows of the large table. */
export const liveRowsOnly = memoize(async (bench: Bench): Promise<BenchServer> => {
  await createDatabase(bench, 'live_alone', { rows: bench.rows, ...filling, liveOnly: true })
  return bench.serve('live_alone')
})

/** A server on a copy of the large table in which each live row was updated three times without a vacuum. */
export const churned = memoize(async (bench: Bench): Promise<BenchServer> => {
  await large(bench)
  const server = await bench.serve('churned')
  const sql = bench.sqlOf('churned')
  await sql`alter table jobs set (autovacuum_enabled = false)`
  const live = sql`status in ('queued', 'processing', 'quarantined')`
  await sql`update jobs set progress_percent = 1, updated_at = now() where ${live}`
  // An index has this column, so the update is not HOT and adds an entry to each index.
  await sql`
    update jobs
    set available_at = coalesce(available_at, created_at) + interval '1 second', updated_at = now()
    where ${live}`
  await sql`update jobs set progress_percent = 2, updated_at = now() where ${live}`
  return server
})
