import type { Sql } from 'postgres'
import type { Bench } from '../bench.ts'
import type { WorkerPool } from '../load/worker-pool.ts'
import { memoize } from '../memoize.ts'
import type { BenchServer } from './servers.ts'

interface WorkDatabase {
  server: BenchServer
  sql: Sql
  pool: WorkerPool
}

/** A database with empty tables, its server, and four workers. */
export const workDatabase = memoize(async (bench: Bench): Promise<WorkDatabase> => {
  await bench.create('work')
  const server = await bench.serve('work')
  return { server, sql: bench.sqlOf('work'), pool: { apis: [server.api], workers: 4 } }
})

/** Truncates the tables of jobs, so that each round begins with empty tables and indexes. */
export async function truncateTables(sql: Sql): Promise<void> {
  await sql`truncate jobs, job_events, job_dependencies, job_attachments restart identity`
}
