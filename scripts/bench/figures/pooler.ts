import type { Bench } from '../bench.ts'
import type { Figure } from '../figure.ts'
import { enqueueAll, type Site, workAll } from '../load/work.ts'
import { once } from '../once.ts'
import { startPooler } from '../stage/pooler.ts'
import { empty } from '../stage/workplace.ts'

const jobs = 10_000
const database = 'pooled'
const missing = 'pgbouncer is not installed (apt-get install pgbouncer)'

/** Jobs a second. */
interface Rates {
  enqueue: number
  work: number
}
interface Round {
  one: Rates
  two: Rates
  pooled: Rates
}

async function rates(site: Site): Promise<Rates> {
  return { enqueue: await enqueueAll(site, { jobs, batch: 1000 }), work: await workAll(site, { jobs, batch: 100 }) }
}

/** Servers on one database, with the pooler before it and without. */
const rounds = once(async (bench: Bench): Promise<Round[] | undefined> => {
  await bench.create(database)
  const sql = bench.sqlOf(database)
  // What a session cannot set behind the pooler is set for the whole database.
  await sql`alter database ${sql(database)} set enable_seqscan = off`
  await sql`alter database ${sql(database)} set jit = off`
  const pooler = await startPooler(bench.urlOf(database))
  if (!pooler) return undefined
  const [first, second] = [await bench.serve(database), await bench.serve(database)]
  const behind = { JOBS_DB_URL: pooler.urlOf(database), JOBS_DB_POOLER: 'true' }
  try {
    const [third, fourth] = [await bench.serve(database, behind), await bench.serve(database, behind)]
    const round = async (): Promise<Round> => {
      const measured: Rates[] = []
      for (const servers of [[first], [first, second], [third, fourth]]) {
        await empty(sql)
        measured.push(await rates({ apis: servers.map(({ api }) => api), workers: 4 }))
      }
      const [one, two, pooled] = measured
      if (!one || !two || !pooled) throw new Error('a part of the round is missing')
      return { one, two, pooled }
    }
    await round() // to warm up
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
    if (!all) return missing
    return { ours: all.map((round) => round[ours][call]), against: all.map((round) => round[against][call]) }
  },
})

/** What a pooler in transaction mode costs, and what a second server brings; both are only told. */
export const pooling: readonly Figure[] = [
  figure('enqueue', 'pooled', 'two'),
  figure('work', 'pooled', 'two'),
  figure('enqueue', 'two', 'one'),
  figure('work', 'two', 'one'),
]
