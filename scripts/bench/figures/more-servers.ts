import type { Bench } from '../bench.ts'
import type { Figure } from '../figure.ts'
import { enqueueAll, type WorkerPool, workAll } from '../load/worker-pool.ts'
import { memoize } from '../memoize.ts'
import { startPooler } from '../setup/pooler.ts'
import { truncateTables } from '../setup/work-database.ts'

const jobs = 10_000
const database = 'pooled'
const notInstalled = 'PgBouncer is not installed (apt-get install pgbouncer)'

/** Jobs per second. */
interface Rates {
  enqueue: number
  work: number
}
/** The rates of one server, of two servers, and of two servers behind the pooler. */
interface Round {
  one: Rates
  two: Rates
  pooled: Rates
}

async function rates(pool: WorkerPool): Promise<Rates> {
  return { enqueue: await enqueueAll(pool, { jobs, batch: 1000 }), work: await workAll(pool, { jobs, batch: 100 }) }
}

/** Rates of servers on one database, with and without the pooler. Undefined when PgBouncer is not installed. */
const rounds = memoize(async (bench: Bench): Promise<Round[] | undefined> => {
  await bench.create(database)
  const sql = bench.sqlOf(database)
  // Behind the pooler the server cannot set these per session, so they are set for the database, for all sides.
  await sql`alter database ${sql(database)} set enable_seqscan = off`
  await sql`alter database ${sql(database)} set jit = off`
  const pooler = await startPooler(bench.urlOf(database))
  if (!pooler) return undefined
  const [first, second] = [await bench.serve(database), await bench.serve(database)]
  const pooledEnv = { JOBS_DB_URL: pooler.urlOf(database), JOBS_DB_POOLER: 'true' }
  try {
    const [third, fourth] = [await bench.serve(database, pooledEnv), await bench.serve(database, pooledEnv)]
    const round = async (): Promise<Round> => {
      const measured: Rates[] = []
      for (const servers of [[first], [first, second], [third, fourth]]) {
        await truncateTables(sql)
        measured.push(await rates({ apis: servers.map(({ api }) => api), workers: 4 }))
      }
      const [one, two, pooled] = measured
      if (!one || !two || !pooled) throw new Error('the round has fewer than three measurements')
      return { one, two, pooled }
    }
    await round() // warm-up
    const measured = [await round(), await round(), await round()]
    await Promise.all([third.stop(), fourth.stop()])
    return measured
  } finally {
    await Promise.all([first.stop(), second.stop()])
    await pooler.stop()
  }
})

const figure = (call: keyof Rates, ours: 'two' | 'pooled', against: 'one' | 'two'): Figure => ({
  name: `${ours === 'pooled' ? 'pooler: two servers behind pgbouncer' : 'two servers'}, ${call === 'work' ? 'acquire and finish' : call}`,
  ...{ against: ours === 'pooled' ? 'the same without the pooler' : 'one server', unit: 'jobs/s' },
  ratio: 'ours / against',
  async measure(bench) {
    const all = await rounds(bench)
    if (!all) return notInstalled
    return { ours: all.map((round) => round[ours][call]), against: all.map((round) => round[against][call]) }
  },
})

/** The cost of a pooler in transaction mode, and the gain of a second server. These figures have no target. */
export const moreServers: readonly Figure[] = [
  figure('enqueue', 'pooled', 'two'),
  figure('work', 'pooled', 'two'),
  figure('enqueue', 'two', 'one'),
  figure('work', 'two', 'one'),
]
