import postgres from 'postgres'
import { expect, it, onTestFinished } from 'vitest'
import * as z from 'zod'
import type { Sql } from '../../../server/database/sql.ts'
import { firstKeys } from '../../../server/engines/parts/first-keys.ts'
import { emptyDatabase } from '../../support/database/database.ts'
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

interface Node {
  Alias?: string | undefined
  'Actual Loops': number
  Plans?: Node[] | undefined
}
const Node: z.ZodType<Node> = z.lazy(() =>
  z.looseObject({ Alias: z.string().optional(), 'Actual Loops': z.number(), Plans: z.array(Node).optional() }),
)
const Explained = z.tuple([z.object({ 'QUERY PLAN': z.tuple([z.object({ Plan: Node })]) })])
const nodesOf = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)]

it('reads the jobs a second time only where more may have the time of the last row that was kept', async () => {
  const database = await emptyDatabase()
  onTestFinished(() => database.drop())
  const client = postgres(database.env.JOBS_DB_URL ?? '', { max: 1 })
  onTestFinished(() => client.end())
  await client`create table ties as select n, ${client.unsafe(timeOf)} as time from generate_series(1, 100) as n`
  const sql = client as unknown as Sql
  const isReadAgain = async (most: number) => {
    const keys = firstKeys(sql, {
      jobs: sql`(select again.n as id, 'q' as queue, again.n as native_id, again.time from ties as again) as jobs`,
      ...{ where: sql`true`, time: sql`jobs.time`, direction: 'asc', most },
      sorted: {
        ...{ rows: 'ties as j', columns: 'j.time', order: 'j.time', time: 'j.time' },
        keys: `'q' as in_queue, j.n as native_id`,
      },
    })
    const rows = await sql`select in_queue, native_id from ${keys} as keys`
    expect(rows.length).toBeGreaterThanOrEqual(Math.min(100, most + 1))
    const [{ 'QUERY PLAN': plan }] = Explained.parse(
      await sql`explain (analyze, format json) select * from ${keys} as keys`,
    )
    return nodesOf(plan[0].Plan).some((node) => node.Alias === 'again' && node['Actual Loops'] > 0)
  }
  // Of the 22 rows that are kept all have one time; of 80 rows 79 have another one than the last; there are no 202 rows.
  expect({ 10: await isReadAgain(10), 39: await isReadAgain(39), 100: await isReadAgain(100) }).toEqual({
    ...{ 10: true, 39: false, 100: false },
  })
})
