import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { makeBullMq } from '../../support/engines/bullmq.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'

const Changed = z.looseObject({ operation_id: z.number(), affected: z.number() })

let served: ServedTables
beforeAll(async () => {
  served = await serveTables((sql) => makeBullMq({ sql, version: 11 }), { records: 'bullmq' })
})
afterAll(() => served.close())

const add = (id: string, state: string, more: { dedup?: string; progress?: string } = {}) => served.sql`
  insert into bullmq.job (queue, id, seq, name, state, data, added_at_ms, dedup_id, progress)
  values ('mail', ${id}, 1, 'x', ${state}::bullmq.job_state, '{}', 1, ${more.dedup ?? null}, ${more.progress ?? null}::text::jsonb)`
const change = async (path: string, body: object) =>
  Changed.parse((await served.post(path, { domain: 'bullmq', ...body })).body)
const dedups = async () =>
  (await served.sql<{ id: string }[]>`select dedup_id as id from bullmq.dedup order by 1`).map(({ id }) => id)

it.each(['1e-50', '-1e-300', '1e300', '99.99999999', '"half"', '[1]', 'null'])(
  'lists a job with the progress %s',
  async (progress) => {
    await add('p', 'waiting', { progress })
    for (const path of ['list?domain=bullmq', 'job?key=mail%2Fp'])
      expect([path, await served.get(`/api/v1/jobs/${path}`)]).toMatchObject([path, { status: 200 }])
    await served.sql`delete from bullmq.job`
  },
)

it('gives a deduplication id back that a cancel has taken, and none that BullMQ has freed since another change', async () => {
  for (const id of ['1', '2']) {
    await add(id, 'waiting', { dedup: `d${id}` })
    await served.sql`insert into bullmq.dedup (queue, dedup_id, job_id) values ('mail', ${`d${id}`}, ${id})`
  }
  const cancelled = await change('batch/cancel', { job_id: 'mail/1' })
  const prioritised = await change('batch/priority', { job_id: 'mail/2', priority: 3 })
  expect([cancelled.affected, prioritised.affected, await dedups()]).toEqual([1, 1, ['d2']])
  await served.sql`delete from bullmq.dedup`
  for (const { operation_id } of [prioritised, cancelled])
    expect((await served.post(`operations/${operation_id}/undo`, {})).body).toMatchObject({ affected: 1 })
  expect(await dedups()).toEqual(['d1'])
  await served.sql`delete from bullmq.job`
})

it('counts the children of each kind up to 1,000, whatever comes before them', async () => {
  await add('parent', 'waiting-children')
  await served.sql`
    insert into bullmq.job (queue, id, seq, name, state, data, added_at_ms)
    select 'child', lpad(n::text, 5, '0'), n, 'x', (case when n > 1200 then 'failed' else 'waiting' end)::bullmq.job_state, '{}', 1
    from generate_series(1, 1203) as n`
  await served.sql`
    insert into bullmq.job_dependency (parent_queue, parent_id, child_queue, child_id, child_key)
    select 'mail', 'parent', 'child', id, 'child:' || id from bullmq.job where queue = 'child'
    union all
    select 'mail', 'parent', 'child', 'z' || n, 'child:z' || n from generate_series(1, 2) as n`
  const { body } = await served.get('/api/v1/jobs/job/explain', { key: 'mail/parent' })
  const { reasons } = z
    .object({
      reasons: z.array(
        z.looseObject({
          code: z.string(),
          sentence: z.string(),
          facts: z.looseObject({ count: z.number().optional() }),
        }),
      ),
    })
    .parse(body)
  const counts = Object.fromEntries(reasons.map(({ code, facts }) => [code, facts.count]))
  expect(counts).toMatchObject({ waits_for_jobs: 1000, dependency_ended: 3, dependency_gone: 2 })
  expect(reasons.find(({ code }) => code === 'waits_for_jobs')?.sentence).toContain('waits for at least 1,000 jobs')
})
