import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Sql } from 'postgres'
import { endWithThis } from '../../launch/children.ts'
import { type EnginePackage, engineNode, installPackage, newestPgBoss, usedOf } from '../../launch/engine-packages.ts'
import type { Bench } from '../bench.ts'
import { memoize } from '../memoize.ts'
import { type Api, connect } from './api.ts'
import type { BenchServer } from './servers.ts'

const library: EnginePackage = { name: 'pg-boss', version: newestPgBoss }
export const pgBossName = `pg-boss ${newestPgBoss}`

/** 21 queues, two of them with a table of their own, and the dead letter queue of all of them. */
export const bossQueues = Array.from({ length: 21 }, (_, n) => `queue${n}`)
const dead = 'dead'

/** All of them are completed, and older than 30 days; no other job is. */
export const oldJobs = 100_000

/** Calls of pg-boss, each with its method and its arguments. */
export type BossCalls = (readonly [method: string, ...args: unknown[]])[]

/** A program of `peers/` that answers over HTTP. */
interface Peer {
  api: Api
  stop: () => Promise<void>
}

interface Program {
  node: string
  argv: string[]
  /** The first line of its standard input. */
  first?: string
}

/** Starts a program that prints its port. @throws Error when it ends before */
async function startProgram({ node, argv: [file = '', ...argv], first }: Program): Promise<Peer> {
  const path = fileURLToPath(new URL(`../peers/${file}`, import.meta.url))
  const child = endWithThis(
    spawn(node, [path, ...argv], { env: { PATH: process.env.PATH }, stdio: ['pipe', 'pipe', 'inherit'] }),
  )
  const exited = once(child, 'exit')
  if (first !== undefined) child.stdin.write(`${first}\n`)
  const { value: port, done } = await createInterface(child.stdout)[Symbol.asyncIterator]().next()
  if (done === true) throw new Error(`${file} ended`)
  const api = connect(`http://127.0.0.1:${port}`)
  return {
    api,
    async stop() {
      await api.close()
      child.stdin.end()
      await exited
    },
  }
}

/** Runs statements, each by a route of Hono and by nothing else: what a program costs at least that answers the same over HTTP. */
export const startPlain = (bench: Bench, database: string, statements: Record<string, PlainStatement>): Promise<Peer> =>
  startProgram({
    node: process.execPath,
    argv: ['plain-routes.mjs', bench.urlOf(database)],
    first: JSON.stringify(statements),
  })

export interface PlainStatement {
  text: string
  parameters?: string[]
}

export interface BossProcess extends Pick<Peer, 'stop'> {
  /** Runs calls one after the other, in one request. */
  run: (calls: BossCalls) => Promise<unknown>
}

/**
 * Starts pg-boss on a database, in a process of its own: it needs a newer Node than jobsctl.
 * @throws Error with what npm says where it cannot install pg-boss or Node
 */
export async function startBoss(bench: Bench, database: string): Promise<BossProcess> {
  for (const wanted of [engineNode, library]) {
    const reason = await installPackage(wanted)
    if (reason !== undefined) throw new Error(reason)
  }
  const entry = createRequire(usedOf(library) ?? '').resolve('../pg-boss')
  const argv = ['pg-boss-calls.mjs', entry, bench.urlOf(database)]
  const { api, stop } = await startProgram({ node: usedOf(engineNode) ?? '', argv })
  return { run: (calls) => api.post('/', calls), stop }
}

/** Makes a database whose tables pg-boss has made, with `bench.rows` jobs, and the records of jobsctl. It has no session. */
const bossTemplate = memoize(async (bench: Bench): Promise<string> => {
  const database = 'pg_boss_template'
  bench.logProgress(`   inserting ${bench.rows.toLocaleString('en')} jobs of pg-boss`)
  await bench.create(database)
  const boss = await startBoss(bench, database)
  await boss.run([
    ['createQueue', dead],
    ...bossQueues.map((name, n) => ['createQueue', name, { deadLetter: dead, partition: n < 2 }] as const),
  ])
  await boss.stop()
  const sql = bench.sqlOf(database)
  await fill(sql, bench.rows)
  await sql.end()
  await promisify(execFile)(process.execPath, [bench.programs.server, 'migrate', '--engine', 'pg-boss'], {
    env: { PATH: process.env.PATH, JOBS_DB_URL: bench.urlOf(database) },
  })
  return database
})

/** Of 25 jobs 17 to 19 have ended well, 2 or 3 wait, one runs or is retried, 2 have failed with one of 1,000 texts, and one is cancelled. */
async function fill(sql: Sql, rows: number): Promise<void> {
  await sql`
    insert into pgboss.job (
      name, state, data, output, dead_letter, created_on, start_after, started_on, completed_on, retry_count
    )
    select
      'queue' || queue, state::pgboss.job_state, jsonb_build_object('number', i, 'text', md5(i::text)),
      case state
        when 'completed' then '{"ok": true}'
        when 'failed' then jsonb_build_object(
          'name', 'Error', 'message', 'no answer from host-' || text || ' after ' || text || ' ms',
          'stack', 'Error: no answer' || repeat(E'\n    at Socket.connect (node:net:1234:56)', 10)
        )
      end,
      ${dead}, created, created + case when state = 'created' and i % 3 = 0 then interval '90 days' else interval '0' end,
      case when state in ('active', 'completed', 'failed') then created + interval '1 second' end,
      case when state in ('completed', 'failed', 'cancelled') then created + interval '1 minute' end,
      case when state in ('retry', 'failed') then 2 else 0 end
    from (
      select
        i, abs(hashint8(i)) % 21 as queue, abs(hashint8(i)) % 1000 as text,
        case
          when i <= ${oldJobs} then now() - interval '40 days' + i * interval '1 second'
          else now() - (${rows} - i) * interval '2 seconds'
        end as created,
        case
          when i <= ${oldJobs} then 'completed' when i % 25 in (0, 1) or i % 50 = 2 then 'created' when i % 100 = 27 then 'active'
          when i % 100 = 77 then 'retry' when i % 25 in (3, 4) then 'failed' when i % 25 = 5 then 'cancelled' else 'completed'
        end as state
      from generate_series(1, ${rows}::bigint) as i
    ) as jobs`
  await sql`
    insert into pgboss.job (name, data, source_name, source_id)
    select ${dead}, data, name, id from pgboss.job where state = 'failed' limit 2000`
  // A vacuum marks no page whose rows were committed after the last flush of the WAL, and the indexes alone would not do.
  await sql`checkpoint`
  await sql`vacuum (analyze)`
  await sql`checkpoint`
}

interface BossCopy {
  name: string
  sql: Sql
  serve: () => Promise<BenchServer>
  drop: () => Promise<void>
}

let copies = 0

/** Copies the database, so that a change finds all jobs. */
export async function copyOfBoss(bench: Bench): Promise<BossCopy> {
  const name = `pg_boss_${++copies}`
  await bench.create(name, await bossTemplate(bench))
  const sql = bench.sqlOf(name)
  await sql`checkpoint`
  return {
    ...{ name, sql },
    serve: () => bench.serve(name, {}, async () => {}),
    async drop() {
      await sql.end()
      await bench.drop(name)
    },
  }
}

interface BossRead {
  /** The database, in which nothing is changed. */
  name: string
  server: BenchServer
  sql: Sql
  boss: BossProcess
}

/** A copy that is only read, its server, and pg-boss. */
export const bossRead = memoize(async (bench: Bench): Promise<BossRead> => {
  const { name, sql, serve } = await copyOfBoss(bench)
  return { name, sql, server: await serve(), boss: await startBoss(bench, name) }
})
