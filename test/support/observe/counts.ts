import { expect } from 'vitest'
import type { z } from 'zod'
import type { Sql } from '../../../server/database/sql.ts'
import { checkCounts, stats } from '../../../shared/endpoints.ts'
import type { GroupStats } from '../../../shared/queues/stats.ts'
import type { World } from '../world.ts'

type Serving = Pick<World, 'call' | 'sql'>

/** What stats say. */
export const groupsOf = async ({ call }: Pick<World, 'call'>): Promise<GroupStats[]> =>
  stats.output.parse((await call('GET', stats.path)).body)

/** How the counts behind stats stand; what is wrong is set right by asking. */
export const countsOf = async ({ call }: Pick<World, 'call'>): Promise<z.output<typeof checkCounts.output>> =>
  checkCounts.output.parse((await call('GET', checkCounts.path)).body)

/** What stats should say: a plain count of the jobs. */
export const countByHand = async (sql: Sql): Promise<GroupStats[]> => [
  ...(await sql<GroupStats[]>`
    select
      domain, queue, job_type,
      count(*) filter (where status = 'queued' and (available_at is null or available_at <= now()))::float8 as queued,
      count(*) filter (where status = 'queued' and available_at > now())::float8 as scheduled,
      count(*) filter (where status = 'processing')::float8 as processing,
      count(*) filter (where status = 'quarantined')::float8 as quarantined
    from jobs
    group by domain, queue, job_type
    order by domain collate "C", queue collate "C", job_type collate "C"`),
]

/** Stats say what a plain count of the jobs says. Nobody may write meanwhile, and no job fall due. */
export async function expectRight(world: Serving): Promise<void> {
  const groups = await countByHand(world.sql)
  expect(await groupsOf(world)).toEqual(groups)
}
