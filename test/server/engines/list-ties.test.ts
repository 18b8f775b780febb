import type postgres from 'postgres'
import { expect, it } from 'vitest'
import * as z from 'zod'
import { makeBullMq } from '../../support/engines/bullmq.ts'
import { addJobs, makeGraphileWorker } from '../../support/engines/graphile-worker.ts'
import { serveTables } from '../../support/engines/serve-tables.ts'

const Jobs = z.array(z.object({ id: z.string(), created_at: z.string() }))
type Job = z.output<typeof Jobs>[number]

/** 100 jobs: of each 50 the first 30 have one time, and the others have times of their own. */
const timeOf = 'n + case when n % 50 < 30 then -(n % 50) else 0 end'

interface Engine {
  name: string
  count: number
  make: (sql: postgres.Sql) => Promise<unknown>
}

const engines: Engine[] = [
  {
    name: 'BullMQ, with 40 more that were made in years that no answer can write',
    count: 140,
    async make(sql) {
      await makeBullMq({ sql, version: 11 })
      await sql`
        insert into bullmq.job (queue, id, seq, name, state, added_at_ms)
        select 'mail', n, n, 'welcome', 'waiting', case when n > 120 then -8e18 - n when n > 100 then 8e18 + n else ${sql.unsafe(timeOf)} end
        from generate_series(1, 140) as n`
    },
  },
  {
    name: 'graphile-worker',
    count: 100,
    async make(sql) {
      await makeGraphileWorker({ sql })
      const columns = { created_at: `now() + (${timeOf}) * interval '1 ms'` }
      await addJobs({ sql }, { task: 'welcome', queue: 'mail', count: 100, columns })
    },
  },
]

it.each(engines)(
  'lists jobs with the same time in the order of their keys, page after page: $name',
  async ({ make, count }) => {
    const served = await serveTables(make)
    try {
      const pages = async (query: Record<string, string>) => {
        const jobs: Job[] = []
        let next: string | undefined = new URLSearchParams(query).toString()
        while (next !== undefined) {
          const { body, headers } = await served.get(`/api/v1/jobs/list?${next}`)
          jobs.push(...Jobs.parse(body))
          next = /<\?([^>]*)>; rel="next"/.exec(headers.link ?? '')?.[1]
        }
        return jobs
      }
      const all = await pages({ sort_order: 'asc', limit: '1000' })
      expect(new Set(all.map(({ id }) => id)).size).toBe(count)
      expect(all).toEqual(
        all.toSorted(
          (one, other) => Date.parse(one.created_at) - Date.parse(other.created_at) || (one.id < other.id ? -1 : 1),
        ),
      )
      for (const limit of ['11', '49']) {
        expect(await pages({ sort_order: 'asc', limit })).toEqual(all)
        expect(await pages({ queue: 'mail', job_type: 'welcome', limit })).toEqual(all.toReversed())
      }
    } finally {
      await served.close()
    }
  },
)
