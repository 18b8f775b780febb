import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Sql } from 'postgres'
import { type EnginePackage, engineNode, installPackage, usedOf } from '../../launch/engine-packages.ts'
import type { Bench } from '../bench.ts'
import { memoize } from '../memoize.ts'
import type { BenchServer } from './servers.ts'

/** Jobs in the tables of an engine, and how many of them ended more than 30 days ago; no other job did. */
export const engineJobs = 300_000
export const oldEngineJobs = 100_000

export const engineQueues = Array.from({ length: 21 }, (_, n) => `queue${n}`)

/**
 * Rows `(i, queue, text, created, state)` for the jobs of an engine. Of 25 jobs that are not old 2 or 3 wait, a third of them for 90 days, and two
 * have failed with one of 1,000 texts; one in 400 runs, and the others are completed.
 */
export const engineRows = `(
  select
    i, 'queue' || abs(hashint8(i)) % ${engineQueues.length} as queue, abs(hashint8(i)) % 1000 as text,
    case
      when i <= ${oldEngineJobs} then now() - interval '40 days' + i * interval '1 second'
      else now() - (${engineJobs} - i) * interval '2 seconds'
    end as created,
    case
      when i <= ${oldEngineJobs} then 'old' when i % 75 in (0, 1, 25) then 'later' when i % 25 in (0, 1) or i % 50 = 2 then 'waits'
      when i % 400 = 27 then 'runs' when i % 25 in (3, 4) then 'failed' else 'completed'
    end as state
  from generate_series(1, ${engineJobs}::bigint) as i
) as jobs`

/** How a run makes the tables of an engine and fills them. */
export interface EngineTables {
  /** As `JOBS_ENGINE` names it. */
  engine: string
  /** Makes the tables, with the package of the engine where it has one, and inserts the rows. */
  fill: (bench: Bench, database: string, sql: Sql) => Promise<void>
  /** The environment of the server beside the database. */
  env?: (bench: Bench) => Promise<Record<string, string>>
}

/** A copy of the filled database. */
export interface EngineCopy {
  name: string
  sql: Sql
  serve: () => Promise<BenchServer>
  drop: () => Promise<void>
}

/** Returns a function that copies a database with the jobs of an engine and the records of jobsctl. */
export function copiesOf({
  engine,
  fill,
  env = async () => ({}),
}: EngineTables): (bench: Bench) => Promise<EngineCopy> {
  const prefix = `engine_${engine.replaceAll('-', '_')}`
  const template = memoize(async (bench) => {
    const database = `${prefix}_template`
    bench.logProgress(`   inserting ${engineJobs.toLocaleString('en')} jobs of ${engine}`)
    await bench.create(database)
    const sql = bench.sqlOf(database)
    await fill(bench, database, sql)
    await sql`vacuum (analyze)`
    await sql.end()
    await promisify(execFile)(process.execPath, [bench.programs.server, 'migrate', '--engine', engine], {
      env: { PATH: process.env.PATH, JOBS_DB_URL: bench.urlOf(database), ...(await env(bench)) },
    })
    return database
  })
  let copies = 0
  return async (bench) => {
    const name = `${prefix}_${++copies}`
    await bench.create(name, await template(bench))
    const sql = bench.sqlOf(name)
    await sql`checkpoint`
    return {
      ...{ name, sql },
      serve: async () => bench.serve(name, await env(bench), async () => {}),
      async drop() {
        await sql.end()
        await bench.drop(name)
      },
    }
  }
}

const program = fileURLToPath(new URL('../peers/make-tables.mjs', import.meta.url))

/**
 * Lets the package of an engine make its tables, and those of these queues.
 * @throws Error with what npm says where it cannot install the package or Node, and with what the package says
 */
export async function makeTables(bench: Bench, wanted: EnginePackage, database: string): Promise<void> {
  for (const one of [engineNode, wanted]) {
    const reason = await installPackage(one)
    if (reason !== undefined) throw new Error(reason)
  }
  const entry = createRequire(usedOf(wanted) ?? '').resolve(join('..', wanted.name))
  const argv = [program, wanted.name, entry, bench.urlOf(database), ...engineQueues]
  await promisify(execFile)(usedOf(engineNode) ?? '', argv, { env: { PATH: process.env.PATH } })
}
