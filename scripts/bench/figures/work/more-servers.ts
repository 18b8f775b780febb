import { startPooler } from '../../../launch/pooler.ts'
import type { Bench } from '../../bench.ts'
import type { Figure } from '../../figure.ts'
import { enqueueAll, workAll } from '../../load/worker-pool.ts'
import { memoize } from '../../memoize.ts'
import { truncateTables } from '../../setup/work-database.ts'

const jobs = 10_000
const database = 'pooled'
const notInstalled = 'PgBouncer is not installed (apt-get install pgbouncer)'

type Server = Awaited<ReturnType<Bench['serve']>>

/** Jobs per second. */
interface Rates {
  enqueue: number
  work: number
}
/** The rates of one server, of two servers, and of two servers behind the pooler where it is installed. */
interface Round {
  one: Rates
  two: Rates
  pooled: Rates | undefined
}

/** Rates of servers on one database, with and without the pooler. */
const rounds = memoize(async (bench: Bench): Promise<Round[]> => {
  await bench.create(database)
  const sql = bench.sqlOf(database)
  // Behind the pooler the server cannot set these per session, so they are set for the database, for all sides.
  await sql`alter database ${sql(database)} set enable_seqscan = off`
  await sql`alter database ${sql(database)} set jit = off`
  const pooler = await startPooler(bench.urlOf(database))
  const pooledEnv = pooler && { JOBS_DB_URL: pooler.urlOf(database), JOBS_DB_POOLER: 'true' }
  const started: Server[] = []
  const serve = async (env?: Record<string, string>): Promise<Server> => {
    const server = await bench.serve(database, env)
    started.push(server)
    return server
  }
  try {
    const direct = [await serve(), await serve()]
    const pooled = pooledEnv && [await serve(pooledEnv), await serve(pooledEnv)]
    const rate = async (servers: readonly Server[]): Promise<Rates> => {
      await truncateTables(sql)
      const pool = { apis: servers.map(({ api }) => api), workers: 4 }
      return { enqueue: await enqueueAll(pool, { jobs, batch: 1000 }), work: await workAll(pool, { jobs, batch: 100 }) }
    }
    const round = async (): Promise<Round> => ({
      one: await rate(direct.slice(0, 1)),
      two: await rate(direct),
      pooled: pooled && (await rate(pooled)),
    })
    await round() // warm-up
    return [await round(), await round(), await round()]
  } finally {
    await Promise.all(started.map((server) => server.stop()))
    await pooler?.stop()
  }
})

const figure = (call: keyof Rates, ours: 'two' | 'pooled', against: 'one' | 'two'): Figure => ({
  name: `${ours === 'pooled' ? 'pooler: two servers behind pgbouncer' : 'two servers'}, ${call === 'work' ? 'acquire and finish' : call}`,
  ...{ against: ours === 'pooled' ? 'the same without the pooler' : 'one server', unit: 'jobs/s' },
  ratio: 'ours / against',
  async measure(bench) {
    const all = await rounds(bench)
    const ratesOf = (side: keyof Round) => all.flatMap((round) => round[side]?.[call] ?? [])
    const pair = { ours: ratesOf(ours), against: ratesOf(against) }
    return pair.ours.length > 0 ? pair : notInstalled
  },
})

/** The cost of a pooler in transaction mode, and the gain of a second server. These figures have no target. */
export const moreServers: readonly Figure[] = [
  figure('enqueue', 'pooled', 'two'),
  figure('work', 'pooled', 'two'),
  figure('enqueue', 'two', 'one'),
  figure('work', 'two', 'one'),
]
