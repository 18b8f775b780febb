import type postgres from 'postgres'
import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { makePgBoss, makeQueue } from '../../support/engines/pg-boss.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'

/** The number of failures of each state that a server reads; it asks for one more to know whether there are others. */
const most = 100_000
/** In the queue `many` there are more; the oldest failures are the first rows of the table. */
const old = 500

let served: ServedTables
let sql: postgres.Sql
beforeAll(async () => {
  served = await serveTables(async (made) => {
    sql = made
    const place = { sql, version: 46 } as const
    await makePgBoss(place)
    await makeQueue(place, 'many')
    await makeQueue(place, 'few')
    await sql`
      insert into pgboss.job (name, state, output, created_on, completed_on)
      select
        'many', 'failed', jsonb_build_object('message', case when i <= ${old} then 'an old error' else 'a new error' end),
        now() - interval '1 day', now() - (${most + old} - i) * interval '1 second'
      from generate_series(1, ${most + old}) as i`
    await sql`
      insert into pgboss.job (name, state, retry_count, output)
      select 'few', state::pgboss.job_state, retry_count, '{"message": "has failed before"}'
      from (values ('retry', 0), ('retry', 1), ('created', 2)) as jobs (state, retry_count)`
  })
})
afterAll(() => served.close())

const get = (path: string) => served.get(path)

const Answer = z.looseObject({
  clusters: z.array(
    z.looseObject({
      cluster: z.string(),
      pattern: z.string(),
      status: z.string(),
      count: z.number(),
      at_least: z.boolean(),
    }),
  ),
  not_read: z.array(z.looseObject({ state: z.string(), before: z.string() })),
})

it('are the newest, where there are more failures than are read, and their numbers say so', async () => {
  const { status, body, headers } = await get('/api/v1/jobs/clusters?status=failed')
  expect({ status, complete: headers['x-complete'] }).toEqual({ status: 200, complete: 'false' })
  const { clusters, not_read } = Answer.parse(body)
  const seen = clusters.map(({ pattern, count, at_least }) => ({ pattern, count, at_least }))
  expect(seen).toEqual([
    { pattern: 'a new error', count: most, at_least: true },
    { pattern: 'an old error', count: 1, at_least: true },
  ])
  const [newestOld] = await sql<{ at: Date }[]>`
    select max(completed_on) as at from pgboss.job where output ->> 'message' = 'an old error'`
  expect(not_read.map(({ state }) => state)).toEqual(['failed'])
  expect(Math.abs(Date.parse(not_read[0]?.before ?? '') - Number(newestOld?.at))).toBeLessThan(1000)
})

it('are all of them, where a time leaves out the others', async () => {
  const { body, headers } = await get(
    `/api/v1/jobs/clusters?status=failed&since=${new Date(Date.now() - 3_600_000).toISOString()}`,
  )
  expect(headers['x-complete']).toBe('true')
  const { clusters, not_read } = Answer.parse(body)
  expect(not_read).toEqual([])
  expect(clusters).toMatchObject([{ pattern: 'a new error', at_least: false }])
  expect(clusters[0]?.count).toBeGreaterThan(3000)
  expect(clusters[0]?.count).toBeLessThan(3700)
})

it('have jobs that pg-boss runs again, and no job that was resumed, as the list of a cluster', async () => {
  const { body } = await get('/api/v1/jobs/clusters?queue=few')
  const { clusters } = Answer.parse(body)
  expect(clusters).toMatchObject([{ status: 'retrying', pattern: 'has failed before', count: 2, at_least: false }])
  const listed = await get(`/api/v1/jobs/list?cluster=${clusters[0]?.cluster}`)
  expect(listed.body).toMatchObject([{ queue: 'few' }, { queue: 'few' }])
  expect(listed.body).toHaveLength(2)
})
