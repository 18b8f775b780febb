import type { Figure } from '../figure.ts'
import { inTurn, timedEach } from '../rounds.ts'
import { prepare } from '../stage/prepare.ts'

const queued = 200_000

/** What waits elsewhere should not be in the way of whoever finds nothing. */
export const emptyQueue: readonly Figure[] = [
  {
    name: 'acquire: an empty queue beside 200,000 queued jobs',
    ...{ against: 'an empty table', unit: 'ms', ratio: 'ours / against', reach: { atMost: 2 } },
    async measure(bench) {
      await Promise.all([prepare(bench, 'queued'), prepare(bench, 'empty')])
      const sql = bench.sqlOf('queued')
      await sql`
        insert into jobs (uuid, domain, queue, job_type, status, payload)
        select 'job-' || i, 'domain' || i % 10, 'queue' || i % 7, 'task', 'queued', '{}'
        from generate_series(1, ${queued}::int) as i`
      await sql`vacuum (analyze)`
      const [full, empty] = [await bench.serve('queued'), await bench.serve('empty')]
      const request = { domain: 'domain3', queue: 'nothing here', worker_id: 'idle' }
      const take =
        ({ api }: typeof full) =>
        () =>
          api.post('/api/v1/jobs/acquire', request)
      const pair = await inTurn({ rounds: 15 }, timedEach(50, take(full)), timedEach(50, take(empty)))
      await Promise.all([full.stop(), empty.stop()])
      return pair
    },
  },
]
