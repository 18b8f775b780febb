import type { Sql } from 'postgres'
import * as z from 'zod'
import type { Bench } from '../bench.ts'
import { once } from '../once.ts'
import { prepare } from './prepare.ts'
import type { BenchServer } from './servers.ts'

const rows = 1_000_000

/** Half of the rows, those that are older than a month. Of the others one in ten is live. */
export const prunableRows = rows / 2

const made = once(async (bench: Bench): Promise<void> => {
  bench.tell(`   ${rows.toLocaleString('en')} rows are made, half of them to be pruned`)
  await prepare(bench, 'prunable', {
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

/** A copy of the table, with nothing left to be written by a checkpoint. */
export async function copyOfPrunable(bench: Bench): Promise<Copy> {
  await made(bench)
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

/** Prunes half of the rows, or counts them. Another number would be another measurement. */
export async function prune({ api }: BenchServer, dry_run = false): Promise<void> {
  Pruned.parse(await api.post(prunePath, { ...pruneRequest, dry_run }))
}

/** The same rows, in SQL. */
export const isPrunable = (sql: Sql) => sql`
  status in ('completed', 'failed', 'cancelled')
  and coalesce(completed_at, cancelled_at, quarantined_at, created_at) < now() - interval '30 days'`
