import * as z from 'zod'
import { partitionJobs } from '../../launch/partition-jobs.ts'
import type { Bench } from '../bench.ts'
import { createDatabase } from './create-database.ts'
import { type Filling, fill } from './fill.ts'
import type { BenchServer } from './servers.ts'

/** How `jobs` is divided: by ranges of a time, or by a list of names. */
export const layouts = ['created_at', 'domain'] as const
export type Layout = (typeof layouts)[number]

/** The number of partitions. */
export const partitions = 24

/** The number of jobs in each database. */
export const rows = 240_000

const days = 60
const half = rows / 2
/** The first half of the rows is 31 to 60 days old, and the other half less than 29 days: there one in ten is live. A domain has 30 groups. */
const filling: Filling = {
  rows,
  live: `i > ${half} and i % 10 = 0`,
  age: `case when i <= ${half} then ${days} else 58 end - i * 29.0 / ${half}`,
  groups: partitions * 30,
}

const Pruned = z.object({ deleted: z.literal(half) })

/**
 * Prunes the jobs that are older than 30 days.
 * @throws ZodError when it is another number of jobs
 */
export async function prunePartitioned({ api }: BenchServer): Promise<void> {
  Pruned.parse(await api.post('/api/v1/jobs/prune', { older_than_days: 30 }))
}

/** Creates a database whose `jobs` has partitions, or none, with the same rows and indexes. Leaves no session. */
export async function createPartitioned(bench: Bench, database: string, layout?: Layout): Promise<void> {
  await createDatabase(bench, database)
  if (layout) {
    const sql = bench.sqlOf(database)
    await partitionJobs(sql, { by: methodOf[layout], column: layout, parts: partsOf[layout] })
    await sql.end()
  }
  await fill(bench.urlOf(database), filling)
  // A server makes the triggers on partitions, and adds the rows up.
  await (await bench.serve(database)).stop()
}

/** The hours of a partition by time. */
const hours = (days * 24) / partitions

const methodOf = { created_at: 'range', domain: 'list' } as const

const partsOf = {
  // The last partition has the days to come, too.
  created_at: eachPart(
    (part) => `execute format(
      'create table jobs_%s partition of jobs for values from (%L) to (%L)', ${part},
      case when ${part} = 0 then '-infinity' else current_timestamp - interval '1 hour' * (${partitions} - ${part}) * ${hours} end,
      case when ${part} = ${partitions - 1} then 'infinity' else current_timestamp - interval '1 hour' * (${partitions - 1} - ${part}) * ${hours} end
    );`,
  ),
  domain: eachPart(
    (part) =>
      `execute format('create table jobs_%s partition of jobs for values in (%L)', ${part}, 'domain' || ${part});`,
  ),
}

function eachPart(statement: (part: string) => string): string {
  return `do $do$ begin for part in 0..${partitions - 1} loop ${statement('part')} end loop; end $do$`
}
