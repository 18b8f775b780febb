import { setTimeout as wait } from 'node:timers/promises'
import { allIndexes } from '../../../../server/database/migrate/index-statements.ts'
import type { Bench } from '../../bench.ts'
import type { Figure } from '../../figure.ts'
import { measureLatency } from '../../load/latency.ts'
import { acquireAll, enqueueAll, finishAll, finishOne, type LeasedJob } from '../../load/worker-pool.ts'
import { memoize } from '../../memoize.ts'
import { large } from '../../setup/large.ts'
import { truncateTables, workDatabase } from '../../setup/work-database.ts'

const perSecond = 40
const slowPath = '/api/v1/jobs/list?error=nowhere&limit=50'

/** How slow a finish becomes while twenty operators read lists that no index serves, each again and again. */
const besideSlowLists: Figure = {
  name: 'list: p99 latency of finish beside 20 slow lists',
  ...{ against: 'the same without lists', unit: 'ms', ratio: 'ours / against', target: { atMost: 3 } },
  async measure(bench) {
    const { server } = await large(bench)
    const pool = { apis: [server.api], workers: 4 }
    const finishes = async (meanwhile: Promise<unknown>) => {
      await enqueueAll(pool, { jobs: 400, batch: 400 })
      const { leased } = await acquireAll(pool, { jobs: 400, batch: 100 })
      return measureLatency(perSecond, meanwhile, async () => {
        const job: LeasedJob | undefined = leased.pop()
        if (job) await finishOne(server.api, job)
      })
    }
    const ours: number[] = []
    const against: number[] = []
    for (let round = 0; round < 3; round++) {
      against.push(await finishes(wait(4000)))
      let over = false
      const lists = Array.from({ length: 20 }, async () => {
        while (!over) await server.api.load(slowPath)
      })
      ours.push(
        await finishes(
          wait(4000).then(() => {
            over = true
          }),
        ),
      )
      await Promise.all(lists)
    }
    return { ours, against }
  },
}

const size = { jobs: 8000, batch: 100 }

/** Jobs per second of enqueue, acquire and finish together, with and without the indexes that serve operators alone. */
const rounds = memoize(async (bench: Bench) => {
  const { sql, pool } = await workDatabase(bench)
  const indexes = (await allIndexes()).filter(({ table, forOperators }) => table === 'jobs' && forOperators)
  const work = async (): Promise<number> => {
    await truncateTables(sql)
    const began = performance.now()
    await enqueueAll(pool, { jobs: size.jobs, batch: 1000 })
    const { leased } = await acquireAll(pool, size)
    await finishAll(pool, leased, size.batch)
    return (size.jobs * 1000) / (performance.now() - began)
  }
  const measured: { ours: number[]; against: number[] } = { ours: [], against: [] }
  for (let round = -1; round < 5; round++) {
    const order = round % 2 === 0 ? [true, false] : [false, true]
    for (const indexed of order) {
      await truncateTables(sql)
      for (const { name } of indexes) await sql`drop index if exists ${sql(name)}`
      if (indexed) for (const { statement } of indexes) await sql.unsafe(statement)
      const rate = await work()
      if (round >= 0) measured[indexed ? 'ours' : 'against'].push(rate)
    }
  }
  for (const { statement } of indexes) await sql.unsafe(statement)
  return measured
})

/** What the reads of operators cost the workers. */
export const readsBeside: readonly Figure[] = [
  besideSlowLists,
  {
    name: 'list: what the optional indexes cost enqueue, acquire and finish',
    ...{ against: 'without the indexes', unit: 'jobs/s', ratio: 'against / ours', target: { atMost: 1.1 } },
    measure: rounds,
  },
]
