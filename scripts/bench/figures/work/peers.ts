import type { Bench } from '../../bench.ts'
import type { Figure } from '../../figure.ts'
import { enqueueAll, workAll } from '../../load/worker-pool.ts'
import { memoize } from '../../memoize.ts'
import { type Peer, startPeer } from '../../peer.ts'
import { truncateTables, workDatabase } from '../../setup/work-database.ts'

const names = { 'pg-boss': 'pg-boss 10.4.2', 'graphile-worker': 'graphile-worker 0.17.3' } as const
type Name = keyof typeof names
const jobs = 20_000

/** Jobs per second. */
interface Rates {
  enqueue: number
  work: number
}
type Round = Record<Name | 'ours', Rates>

/** Measures the three queues alternately. Each round begins with empty tables. */
const rounds = memoize(async (bench: Bench): Promise<Round[]> => {
  const { sql, pool } = await workDatabase(bench)
  const [boss, graphile] = [await startPeer(bench, 'pg-boss'), await startPeer(bench, 'graphile-worker')]
  const round = async (): Promise<Round> => {
    await truncateTables(sql)
    const enqueue = await enqueueAll(pool, { jobs, batch: 1000 })
    const ours = { enqueue, work: await workAll(pool, { jobs, batch: 100 }) }
    return { ours, 'pg-boss': await ratesOf(boss), 'graphile-worker': await ratesOf(graphile) }
  }
  try {
    await round() // warm-up
    const measured: Round[] = []
    for (let n = 0; n < 5; n++) measured.push(await round())
    return measured
  } finally {
    boss.stop()
    graphile.stop()
  }
})

async function ratesOf(peer: Peer): Promise<Rates> {
  await peer.clear()
  return { enqueue: await peer.enqueue(jobs), work: await peer.work(jobs) }
}

const figure = (call: keyof Rates, name: Name, atLeast: number): Figure => ({
  name: call === 'enqueue' ? 'batches: enqueue, 1,000 jobs per call' : 'batches: acquire and finish, 100 jobs per call',
  ...{ against: names[name], unit: 'jobs/s', ratio: 'ours / against', target: { atLeast } },
  async measure(bench) {
    const all = await rounds(bench)
    return { ours: all.map(({ ours }) => ours[call]), against: all.map((round) => round[name][call]) }
  },
})

/** jobsctl is called over HTTP, the peers as libraries that connect to PostgreSQL: each queue in its normal use. */
export const peers: readonly Figure[] = [
  figure('enqueue', 'pg-boss', 0.6),
  figure('work', 'pg-boss', 1.2),
  figure('enqueue', 'graphile-worker', 0.5),
  figure('work', 'graphile-worker', 0.4),
]
