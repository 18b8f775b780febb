import type { Sql } from 'postgres'
import * as z from 'zod'
import type { Bench } from '../bench.ts'
import { memoize } from '../memoize.ts'
import { createDatabase } from './create-database.ts'
import type { BenchServer } from './servers.ts'

const rows = 1_000_000

/**
 * The number of rows that a prune deletes: half of them, older than 30 days. Of the other half one row in ten is live.
 */
export const prunableRows = rows / 2

const makeTable = memoize(async (bench: Bench): Promise<void> => {
  bench.logProgress(`   inserting ${rows.toLocaleString('en')} rows, half of them older than 30 days`)
  await createDatabase(bench, 'prunable', {
    rows,
    live: `i > ${prunableRows} and i % 10 = 0`,
    age: `case when i <= ${prunableRows} then 60 - i / 20000.0 else 29 - (i - ${prunableRows}) / 20000.0 end`,
  })
})

let copies = 0

interface Copy {
  name: string
  sql: Sql
  drop: () => Promise<void>
}

/** Copies the table into a new database, and runs a checkpoint so that none runs during the measurement. */
export async function copyOfPrunable(bench: Bench): Promise<Copy> {
  await makeTable(bench)
  const name = `prunable_${++copies}`
  await bench.create(name, 'prunable')
  const sql = bench.sqlOf(name)
  await sql`checkpoint`
  return {
    ...{ name, sql },
    async drop() {
      await sql.end()
      await bench.drop(name)
    },
  }
}

const prunePath = '/api/v1/jobs/prune'
const pruneRequest = { older_than_days: 30 }

const Pruned = z.object({ deleted: z.literal(prunableRows) })

/**
 * Prunes half of the rows, or previews the prune.
 * @throws ZodError when the number of rows is not `prunableRows`
 */
export async function prune({ api }: BenchServer, dry_run = false): Promise<void> {
  Pruned.parse(await api.post(prunePath, { ...pruneRequest, dry_run }))
}

/** An SQL condition on jobs for the same rows. */
export const isPrunable = (sql: Sql) => sql`
  status in ('completed', 'failed', 'cancelled')
  and coalesce(completed_at, cancelled_at, quarantined_at, created_at) < now() - interval '30 days'`
