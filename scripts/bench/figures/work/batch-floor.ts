import type { Sql } from 'postgres'
import type { Bench } from '../../bench.ts'
import type { Figure } from '../../figure.ts'
import { acquireAll, askForAll, enqueueAll, finishAll, type LeasedJob } from '../../load/worker-pool.ts'
import { memoize } from '../../memoize.ts'
import { connect } from '../../setup/api.ts'
import { startBareServer } from '../../setup/bare-server.ts'
import { type Captured, capture } from '../../setup/capture.ts'
import { pgbench } from '../../setup/pgbench.ts'
import { truncateTables, workDatabase } from '../../setup/work-database.ts'

const jobs = 40_000
const sizes = { enqueue: 1000, take: 100 }
const database = 'batches_by_hand'

/** The statements that the server sends for one batch, the lease that the captured finish statement names, and an answer. */
interface Statements {
  enqueue: Captured
  acquire: Captured
  finish: Captured
  lease_id: string
  /** The jobs of a whole batch, as the server answered them to an acquire. */
  leased: readonly LeasedJob[]
}

async function statementsOf(bench: Bench, sql: Sql): Promise<Statements> {
  await sql`alter database ${sql(database)} set log_min_duration_statement = 0`
  const server = await bench.serve(database)
  const pool = { apis: [server.api], workers: 1 }
  const enqueue = await capture(sql, () => enqueueAll(pool, { jobs: sizes.enqueue, batch: sizes.enqueue }))
  await sql`delete from jobs where id > ${sizes.take}`
  const leased: LeasedJob[] = []
  const acquire = await capture(sql, async () =>
    leased.push(...(await acquireAll(pool, { jobs: sizes.take, batch: sizes.take })).leased),
  )
  const [first, second] = leased
  if (!first || !second) throw new Error('the server leased no jobs')
  const finish = await capture(sql, () => finishAll(pool, [first, second], sizes.take))
  await server.stop()
  await sql`alter database ${sql(database)} reset log_min_duration_statement`
  return { enqueue, acquire, finish, leased, lease_id: first.lease_id }
}

/** The time at which a batch begins, and random digits, in place of the first 24 characters of its UUIDs. */
const stem = 'ssssssss-ssss-ssss-ssss-'
const fresh = `overlay(left(gen_random_uuid()::text, 24) placing lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 8, '0') from 1)`

/** Keeps the request in a table, since it is too long for an argument of pgbench, and gives each batch other UUIDs. */
async function enqueueScript(sql: Sql, { text, parameters: [request = null, ...rest] }: Captured) {
  let nth = 0
  const body = request?.replaceAll(/"uuid":"[^"]+"/g, () => `"uuid":"${stem}${String(nth++).padStart(12, '0')}"`)
  await sql`create table bench_request as select ${body ?? ''}::text as body`
  const by = `select replace(body, '${stem}', ${fresh}) from bench_request`
  return { name: 'enqueue-batch', text, parameters: [null, ...rest], replaced: { number: 1, by } }
}

/** Finishes the next 100 ids: the first job of the captured request, with other ids. */
function finishScript({ text, parameters }: Captured) {
  const at = parameters.findIndex((parameter) => parameter?.startsWith('['))
  const [item] = /\{[^{}]*\}/.exec(parameters[at] ?? '') ?? []
  if (item === undefined) throw new Error(`the finish statement has another request: ${parameters}`)
  const numbered = `replace(:p${at + 1}, '"id":0', '"id":' || i)`
  const ids = `generate_series((:id - 1) * ${sizes.take} + 1, :id * ${sizes.take})`
  const by = `select '[' || string_agg(${numbered}, ',') || ']' from ${ids} as i`
  const finished = parameters.with(at, item.replace(/"id":\d+/, '"id":0'))
  return { name: 'finish-batch', text, parameters: finished, replaced: { number: at + 1, by } }
}

/** Jobs per second. */
interface Rates {
  enqueue: number
  work: number
}

const both = (acquire: number, finish: number): number => 1 / (1 / acquire + 1 / finish)

/** The three sides in turn: the server, pgbench on its own database, and a bare server that only parses and answers. */
const rounds = memoize(async (bench: Bench): Promise<{ ours: Rates; byPgbench: Rates; bare: Rates }[]> => {
  const { sql, pool } = await workDatabase(bench)
  await bench.create(database)
  const other = bench.sqlOf(database)
  const statements = await statementsOf(bench, other)
  const enqueue = await enqueueScript(other, statements.enqueue)
  // A server runs beside pgbench too, for its maintenance.
  const idle = await bench.serve(database)
  const bare = await startBareServer(bench, JSON.stringify({ jobs: statements.leased }))
  const bareApi = connect(bare.url)
  const byPgbench = async (): Promise<Rates> => {
    await truncateTables(other)
    const run = { url: bench.urlOf(database), folder: bench.folder }
    const batches = jobs / sizes.take
    const enqueued = await pgbench(enqueue, { ...run, transactions: jobs / sizes.enqueue })
    const acquired = await pgbench({ name: 'acquire-batch', ...statements.acquire }, { ...run, transactions: batches })
    await other`update jobs set lease_id = ${statements.lease_id} where status = 'processing'`
    const finished = await pgbench(finishScript(statements.finish), { ...run, transactions: batches })
    const done = await other`select from jobs where status = 'completed'`
    if (done.length !== jobs) throw new Error(`of ${jobs} jobs, pgbench completed ${done.length}`)
    return { enqueue: enqueued * sizes.enqueue, work: both(acquired * sizes.take, finished * sizes.take) }
  }
  const round = async () => {
    await truncateTables(sql)
    const enqueued = await enqueueAll(pool, { jobs, batch: sizes.enqueue })
    const { rate, leased } = await acquireAll(pool, { jobs, batch: sizes.take })
    const ours = { enqueue: enqueued, work: both(rate, await finishAll(pool, leased, sizes.take)) }
    const [onBare, taken] = [
      { apis: [bareApi], workers: 4 },
      { jobs, batch: sizes.take },
    ]
    const parsed = {
      enqueue: await enqueueAll(onBare, { jobs, batch: sizes.enqueue }),
      work: both(await askForAll(onBare, taken), await finishAll(onBare, leased, sizes.take)),
    }
    return { ours, byPgbench: await byPgbench(), bare: parsed }
  }
  try {
    await round() // warm-up
    return [await round(), await round(), await round()]
  } finally {
    await bareApi.close()
    bare.stop()
    await idle.stop()
  }
})

const byPgbench = (name: string, call: keyof Rates): Figure => ({
  name: `floor of batches: ${name}`,
  ...{ against: 'the same SQL by pgbench', unit: 'jobs/s', ratio: 'ours / against' },
  async measure(bench) {
    const all = await rounds(bench)
    return { ours: all.map(({ ours }) => ours[call]), against: all.map((round) => round.byPgbench[call]) }
  },
})

/** What is left when the server takes nothing: the statements alone, and HTTP and JSON alone. */
export const batchFloor: readonly Figure[] = [
  byPgbench('enqueue, 1,000 jobs per call', 'enqueue'),
  byPgbench('acquire and finish, 100 jobs per call', 'work'),
  {
    name: 'floor of batches: enqueue, 1,000 jobs per call, HTTP and JSON',
    ...{ against: 'node:http that parses and answers', unit: 'jobs/s', ratio: 'ours / against' },
    async measure(bench) {
      const all = await rounds(bench)
      return { ours: all.map(({ ours }) => ours.enqueue), against: all.map(({ bare }) => bare.enqueue) }
    },
  },
  {
    name: 'floor of batches: acquire and finish, 100 jobs per call, one after the other',
    ...{ against: 'the same SQL by pgbench, then node:http that parses and answers', unit: 'jobs/s' },
    ...{ ratio: 'ours / against', target: { atLeast: 0.87 } },
    async measure(bench) {
      const all = await rounds(bench)
      const against = all.map(({ byPgbench, bare }) => both(byPgbench.work, bare.work))
      return { ours: all.map(({ ours }) => ours.work), against }
    },
  },
]
