import type { Sql } from 'postgres'
import type { Bench } from '../../bench.ts'
import type { Figure } from '../../figure.ts'
import { acquireAll, enqueueAll, finishAll, finishOne, type LeasedJob } from '../../load/worker-pool.ts'
import { memoize } from '../../memoize.ts'
import { type Captured, capture } from '../../setup/capture.ts'
import { pgbench } from '../../setup/pgbench.ts'
import { truncateTables, workDatabase } from '../../setup/work-database.ts'

const calls = ['enqueue', 'acquire', 'finish'] as const
type Call = (typeof calls)[number]
/** Jobs per second. */
type Rates = Record<Call, number>

const jobs = 2000
const database = 'by_hand'

/** The statements that the server sends, and the lease that the captured finish statement names. */
interface Statements extends Record<Call, Captured> {
  job: LeasedJob
}

async function statementsOf(bench: Bench, sql: Sql): Promise<Statements> {
  await sql`alter database ${sql(database)} set log_min_duration_statement = 0`
  const server = await bench.serve(database)
  const pool = { apis: [server.api], workers: 1 }
  const enqueue = await capture(sql, () => enqueueAll(pool, { jobs: 1, batch: 1 }))
  const leased: LeasedJob[] = []
  const acquire = await capture(sql, async () => leased.push(...(await acquireAll(pool, { jobs: 1, batch: 1 })).leased))
  const [job] = leased
  if (!job) throw new Error('the server leased no job')
  const finish = await capture(sql, () => finishOne(server.api, job))
  await server.stop()
  await sql`alter database ${sql(database)} reset log_min_duration_statement`
  return { enqueue, acquire, finish, job }
}

/** Measures both sides alternately, each on its own database. A server runs beside pgbench too, for its maintenance. */
const rounds = memoize(async (bench: Bench): Promise<{ ours: Rates; byPgbench: Rates }[]> => {
  const { sql, pool } = await workDatabase(bench)
  await bench.create(database)
  const other = bench.sqlOf(database)
  const statements = await statementsOf(bench, other)
  const idle = await bench.serve(database)
  const round = async () => {
    await truncateTables(sql)
    const enqueue = await enqueueAll(pool, { jobs, batch: 1 })
    const { rate: acquire, leased } = await acquireAll(pool, { jobs, batch: 1 })
    const ours = { enqueue, acquire, finish: await finishAll(pool, leased, 1) }
    return { ours, byPgbench: await ratesOfPgbench(bench, other, statements) }
  }
  // In the first thousands of calls V8 compiles: a server of a day does no more of it, nor does pgbench.
  for (let warmUp = 0; warmUp < 3; warmUp++) await round()
  const measured = [await round(), await round(), await round(), await round(), await round()]
  await idle.stop()
  return measured
})

async function ratesOfPgbench(bench: Bench, sql: Sql, { enqueue, acquire, finish, job }: Statements): Promise<Rates> {
  await truncateTables(sql)
  const run = { url: bench.urlOf(database), folder: bench.folder, transactions: jobs }
  const uuid = /"uuid":"([^"]+)"/.exec(enqueue.parameters[0] ?? '')?.[1]
  const fresh = `replace(:p1, '${uuid}', gen_random_uuid()::text)`
  const enqueued = await pgbench({ name: 'enqueue', ...enqueue, replaced: { number: 1, by: fresh } }, run)
  const acquired = await pgbench({ name: 'acquire', ...acquire }, run)
  const acquiredRows = await sql`update jobs set lease_id = ${job.lease_id} where status = 'processing'`
  const numbered = `replace(:p1, '"id":${job.id},', '"id":' || :id::text || ',')`
  const finished = await pgbench({ name: 'finish', ...finish, replaced: { number: 1, by: numbered } }, run)
  const done = await sql`select from jobs where status = 'completed'`
  if (acquiredRows.count !== jobs || done.length !== jobs)
    throw new Error(`of ${jobs} jobs, pgbench acquired ${acquiredRows.count} and completed ${done.length}`)
  return { enqueue: enqueued, acquire: acquired, finish: finished }
}

/** The cost of HTTP and of the server. pgbench runs the same statements, which are read from the log of PostgreSQL. */
export const oneByOne: readonly Figure[] = calls.map((call) => ({
  name: `one by one: ${call}`,
  ...{ against: 'the same SQL by pgbench', unit: 'jobs/s', ratio: 'ours / against', target: { atLeast: 0.5 } },
  async measure(bench) {
    const all = await rounds(bench)
    return { ours: all.map(({ ours }) => ours[call]), against: all.map(({ byPgbench }) => byPgbench[call]) }
  },
}))
