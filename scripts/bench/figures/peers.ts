import type { Bench } from '../bench.ts'
import type { Figure } from '../figure.ts'
import { enqueueAll, workAll } from '../load/work.ts'
import { once } from '../once.ts'
import { type Peer, startPeer } from '../peer.ts'
import { empty, workplace } from '../stage/workplace.ts'

const names = { 'pg-boss': 'pg-boss 10.4.2', 'graphile-worker': 'graphile-worker 0.17.3' } as const
type Name = keyof typeof names
const jobs = 20_000

/** Jobs a second. */
interface Rates {
  enqueue: number
  work: number
}
type Round = Record<Name | 'ours', Rates>

/** All three in turn; each round begins with empty tables. */
const rounds = once(async (bench: Bench): Promise<Round[]> => {
  const { sql, site } = await workplace(bench)
  const [boss, graphile] = [await startPeer(bench, 'pg-boss'), await startPeer(bench, 'graphile-worker')]
  const round = async (): Promise<Round> => {
    await empty(sql)
    const enqueue = await enqueueAll(site, { jobs, batch: 1000 })
    const ours = { enqueue, work: await workAll(site, { jobs, batch: 100 }) }
    return { ours, 'pg-boss': await ratesOf(boss), 'graphile-worker': await ratesOf(graphile) }
  }
  try {
    await round() // to warm up
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

const beside = (call: keyof Rates, name: Name, atLeast: number): Figure => ({
  name: call === 'enqueue' ? 'batches: enqueue 1,000 at once' : 'batches: acquire and finish 100 at once',
  ...{ against: names[name], unit: 'jobs/s', ratio: 'ours / against', reach: { atLeast } },
  async measure(bench) {
    const all = await rounds(bench)
    return { ours: all.map(({ ours }) => ours[call]), against: all.map((round) => round[name][call]) }
  },
})

/** Ours through HTTP, theirs as libraries that speak to PostgreSQL themselves: each as it is used. */
export const peers: readonly Figure[] = [
  beside('enqueue', 'pg-boss', 1),
  beside('work', 'pg-boss', 1),
  beside('enqueue', 'graphile-worker', 0.5),
  beside('work', 'graphile-worker', 0.5),
]
