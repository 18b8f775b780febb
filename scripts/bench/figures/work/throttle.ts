import type { Bench } from '../../bench.ts'
import type { Figure } from '../../figure.ts'
import { enqueueAll, workAll } from '../../load/worker-pool.ts'
import { memoize } from '../../memoize.ts'
import { truncateTables, workDatabase } from '../../setup/work-database.ts'

const jobs = 1500
const workers = 20

/** Jobs that 20 workers acquire and finish one by one in a second: of a queue without a throttle, and with one that is never reached. */
const rounds = memoize(async (bench: Bench): Promise<{ free: number; throttled: number }[]> => {
  const { sql, pool } = await workDatabase(bench)
  const many = { ...pool, workers }
  const rate = async (): Promise<number> => {
    await truncateTables(sql)
    await enqueueAll(many, { jobs, batch: 100 })
    return workAll(many, { jobs, batch: 1 })
  }
  const round = async () => {
    const free = await rate()
    await sql`insert into jobsctl_limits (domain, queue, running) values ('bench', 'work', 1000)`
    const throttled = await rate()
    await sql`truncate jobsctl_limits`
    return { free, throttled }
  }
  await round() // warm-up
  return [await round(), await round(), await round(), await round(), await round()]
})

/** What the lock of a throttle costs the workers of its queue. */
export const throttle: readonly Figure[] = [
  {
    name: 'throttle that is never reached: acquire and finish, 20 workers',
    ...{ against: 'the queue without it', unit: 'jobs/s', ratio: 'ours / against', target: { atLeast: 0.5 } },
    async measure(bench) {
      const all = await rounds(bench)
      return { ours: all.map(({ throttled }) => throttled), against: all.map(({ free }) => free) }
    },
  },
]
