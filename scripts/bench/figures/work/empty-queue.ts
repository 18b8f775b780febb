import type { Figure } from '../../figure.ts'
import { meanDuration, measureAlternately } from '../../measure.ts'
import { createDatabase } from '../../setup/create-database.ts'

const queued = 200_000

/** An acquire from an empty queue should not scan the queued jobs of other queues. */
export const emptyQueue: readonly Figure[] = [
  {
    name: 'acquire: an empty queue beside 200,000 queued jobs',
    ...{ against: 'an empty table', unit: 'ms', ratio: 'ours / against', target: { atMost: 2 } },
    async measure(bench) {
      await Promise.all([createDatabase(bench, 'queued'), createDatabase(bench, 'empty')])
      const sql = bench.sqlOf('queued')
      await sql`
        insert into jobs (uuid, domain, queue, job_type, status, payload)
        select 'job-' || i, 'domain' || i % 10, 'queue' || i % 7, 'task', 'queued', '{}'
        from generate_series(1, ${queued}::int) as i`
      await sql`vacuum (analyze)`
      const [full, empty] = [await bench.serve('queued'), await bench.serve('empty')]
      const request = { domain: 'domain3', queue: 'nothing here', worker_id: 'idle' }
      const acquire =
        ({ api }: typeof full) =>
        () =>
          api.post('/api/v1/jobs/acquire', request)
      const pair = await measureAlternately(
        { rounds: 15 },
        meanDuration(50, acquire(full)),
        meanDuration(50, acquire(empty)),
      )
      await Promise.all([full.stop(), empty.stop()])
      return pair
    },
  },
]
