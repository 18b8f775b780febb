import type { Sql } from 'postgres'
import type { Bench } from '../bench.ts'
import { once } from '../once.ts'
import { prepare } from './prepare.ts'
import type { BenchServer } from './servers.ts'

interface Large {
  server: BenchServer
  sql: Sql
}

/** One in twenty is live, all over the table. */
const filling = { live: 'i % 20 = 0', age: '(i % 300) / 10.0' }

/** The large table, with its server. */
export const large = once(async (bench: Bench): Promise<Large> => {
  bench.tell(`   ${bench.rows.toLocaleString('en')} rows are made`)
  await prepare(bench, 'large', { rows: bench.rows, ...filling })
  // A copy is made of what nobody is connected to.
  await bench.create('churned', 'large')
  return { server: await bench.serve('large'), sql: bench.sqlOf('large') }
})

/** The live rows of the large table, and no others. */
export const liveAlone = once(async (bench: Bench): Promise<BenchServer> => {
  await prepare(bench, 'live_alone', { rows: bench.rows, ...filling, liveOnly: true })
  return bench.serve('live_alone')
})

/** A copy of the large table in which every live row was written three times, and no vacuum came by. */
export const churned = once(async (bench: Bench): Promise<BenchServer> => {
  await large(bench)
  const server = await bench.serve('churned')
  const sql = bench.sqlOf('churned')
  await sql`alter table jobs set (autovacuum_enabled = false)`
  const live = sql`status in ('queued', 'processing', 'quarantined')`
  await sql`update jobs set progress_percent = 1, updated_at = now() where ${live}`
  // An index has this column, so that each row gets new entries in all of them.
  await sql`
    update jobs
    set available_at = coalesce(available_at, created_at) + interval '1 second', updated_at = now()
    where ${live}`
  await sql`update jobs set progress_percent = 2, updated_at = now() where ${live}`
  return server
})
