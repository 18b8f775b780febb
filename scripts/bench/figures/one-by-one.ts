import type { Sql } from 'postgres'
import type { Bench } from '../bench.ts'
import type { Figure } from '../figure.ts'
import { acquireAll, enqueueAll, finishAll, finishOne, type Held } from '../load/work.ts'
import { once } from '../once.ts'
import { type Captured, capture } from '../stage/capture.ts'
import { pgbench } from '../stage/pgbench.ts'
import { empty, workplace } from '../stage/workplace.ts'

const calls = ['enqueue', 'acquire', 'finish'] as const
type Call = (typeof calls)[number]
/** Jobs a second. */
type Rates = Record<Call, number>

const jobs = 2000
const database = 'by_hand'

/** The very statements of a server, with the lease that all jobs are to have for them. */
interface Statements extends Record<Call, Captured> {
  held: Held
}

async function statementsOf(bench: Bench, sql: Sql): Promise<Statements> {
  await sql`alter database ${sql(database)} set log_min_duration_statement = 0`
  const server = await bench.serve(database)
  const site = { apis: [server.api], workers: 1 }
  const enqueue = await capture(sql, () => enqueueAll(site, { jobs: 1, batch: 1 }))
  const taken: Held[] = []
  const acquire = await capture(sql, async () => taken.push(...(await acquireAll(site, { jobs: 1, batch: 1 })).held))
  const [held] = taken
  if (!held) throw new Error('no job was taken')
  const finish = await capture(sql, () => finishOne(server.api, held))
  await server.stop()
  await sql`alter database ${sql(database)} reset log_min_duration_statement`
  return { enqueue, acquire, finish, held }
}

/** Both sides in turn, on databases of their own; beside pgbench, too, a server does what servers do now and then. */
const rounds = once(async (bench: Bench): Promise<{ ours: Rates; direct: Rates }[]> => {
  const { sql, site } = await workplace(bench)
  await bench.create(database)
  const other = bench.sqlOf(database)
  const statements = await statementsOf(bench, other)
  const idle = await bench.serve(database)
  const round = async () => {
    await empty(sql)
    const enqueue = await enqueueAll(site, { jobs, batch: 1 })
    const { rate: acquire, held } = await acquireAll(site, { jobs, batch: 1 })
    const ours = { enqueue, acquire, finish: await finishAll(site, held, 1) }
    return { ours, direct: await directly(bench, other, statements) }
  }
  await round() // to warm up
  const measured = [await round(), await round(), await round(), await round(), await round()]
  await idle.stop()
  return measured
})

async function directly(bench: Bench, sql: Sql, { enqueue, acquire, finish, held }: Statements): Promise<Rates> {
  await empty(sql)
  const run = { url: bench.urlOf(database), folder: bench.folder, transactions: jobs }
  const uuid = /"uuid":"([^"]+)"/.exec(enqueue.parameters[0] ?? '')?.[1]
  const fresh = `replace(:p1, '${uuid}', gen_random_uuid()::text)`
  const enqueued = await pgbench({ name: 'enqueue', ...enqueue, first: fresh }, run)
  const acquired = await pgbench({ name: 'acquire', ...acquire }, run)
  const taken = await sql`update jobs set lease_id = ${held.lease_id} where status = 'processing'`
  const numbered = `replace(:p1, '"id":${held.id},', '"id":' || :id::text || ',')`
  const finished = await pgbench({ name: 'finish', ...finish, first: numbered }, run)
  const done = await sql`select from jobs where status = 'completed'`
  if (taken.count !== jobs || done.length !== jobs)
    throw new Error(`of ${jobs}, pgbench did ${taken.count}, ${done.length}`)
  return { enqueue: enqueued, acquire: acquired, finish: finished }
}

/** What HTTP and the server cost beside the same statements, which are read from the log of PostgreSQL. */
export const oneByOne: readonly Figure[] = calls.map((call) => ({
  name: `one by one: ${call}`,
  ...{ against: 'the same SQL by pgbench', unit: 'jobs/s', ratio: 'ours / against', reach: { atLeast: 0.5 } },
  async measure(bench) {
    const all = await rounds(bench)
    return { ours: all.map(({ ours }) => ours[call]), against: all.map(({ direct }) => direct[call]) }
  },
}))
