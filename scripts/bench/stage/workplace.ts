import type { Sql } from 'postgres'
import type { Bench } from '../bench.ts'
import type { Site } from '../load/work.ts'
import { once } from '../once.ts'
import type { BenchServer } from './servers.ts'

interface Workplace {
  server: BenchServer
  sql: Sql
  site: Site
}

/** Empty tables, a server, and four workers. */
export const workplace = once(async (bench: Bench): Promise<Workplace> => {
  await bench.create('work')
  const server = await bench.serve('work')
  return { server, sql: bench.sqlOf('work'), site: { apis: [server.api], workers: 4 } }
})

/** Empties the tables, so that each round begins alike. */
export async function empty(sql: Sql): Promise<void> {
  await sql`truncate jobs, job_events, job_dependencies, job_attachments restart identity`
}
