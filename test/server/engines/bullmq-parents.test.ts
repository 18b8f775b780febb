import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { makeBullMq } from '../../support/engines/bullmq.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'

const Explained = z.looseObject({
  sentence: z.string(),
  reasons: z.array(z.looseObject({ code: z.string(), sentence: z.string(), remedy: z.unknown(), facts: z.unknown() })),
})
const Shown = z.object({ dependencies: z.looseObject({ depends_on: z.array(z.unknown()) }) })

let served: ServedTables
beforeAll(async () => {
  served = await serveTables((sql) => makeBullMq({ sql, version: 11 }), { records: 'bullmq' })
})
afterAll(() => served.close())

/** A parent that waits, with children in a queue of its own: those up to `completed` are completed, the others are in a state, or gone. */
async function addFlow(queue: string, flow: { children: number; completed?: number; state: string | null }) {
  const { children, completed = 0, state } = flow
  const { sql } = served
  await sql`
    insert into bullmq.job (queue, id, seq, name, state, pending_deps, added_at_ms)
    values (${queue}, 'parent', 1, 'x', 'waiting-children', ${children - completed}, 1)`
  const isCompleted = sql`n <= ${completed}`
  await sql`
    insert into bullmq.job_dependency (parent_queue, parent_id, child_queue, child_id, child_key, status)
    select ${queue}, 'parent', ${`${queue} children`}, to_char(n, 'FM00000'), ${`${queue} children:`} || to_char(n, 'FM00000'),
      (case when ${isCompleted} then 'processed' else 'pending' end)::bullmq.dep_status
    from generate_series(1, ${children}::int) as n`
  await sql`
    insert into bullmq.job (queue, id, seq, name, state, added_at_ms, parent_queue, parent_id)
    select ${`${queue} children`}, to_char(n, 'FM00000'), n, 'x',
      (case when ${isCompleted} then 'completed' else ${state}::text end)::bullmq.job_state, 1, ${queue}, 'parent'
    from generate_series(1, ${children}::int) as n
    where ${isCompleted} or ${state}::text is not null`
}

const explained = async (path: string, query: Record<string, string>) => {
  const { body } = await served.get(`/api/v1/jobs/${path}/explain`, query)
  return Explained.parse(body)
}
const reasonOf = async (key: string, code: string) =>
  (await explained('job', { key })).reasons.find((reason) => reason.code === code)

it('whose child has failed wait, and no worker cancels them', async () => {
  await addFlow('failing', { children: 2, state: 'failed' })
  const reason = await reasonOf('failing/parent', 'dependency_ended')
  expect(reason).toMatchObject({
    sentence:
      'depends on failing children/00001 (failed), failing children/00002 (failed), and can never run unless that is completed',
    remedy: { jobsctl: ['retry', 'failing children/00001'] },
  })
})

it('whose child is gone are given no call that BullMQ would refuse', async () => {
  await addFlow('lacking', { children: 1, state: null })
  expect(await reasonOf('lacking/parent', 'dependency_gone')).toMatchObject({ remedy: null })
  expect(await served.jobsctl('cancel', 'lacking/parent', '--yes')).toMatchObject({ code: 6 })
})

it('are not scheduled for later', async () => {
  await addFlow('waiting', { children: 1, state: 'waiting' })
  const ofQueue = () => explained('queues', { domain: 'bullmq', queue: 'waiting' })
  const blocked = await ofQueue()
  expect(blocked.reasons).toMatchObject([
    { code: 'all_blocked', sentence: 'the one job that is due waits for other jobs' },
    { code: 'no_worker' },
  ])
  await served.sql`
    insert into bullmq.job (queue, id, seq, name, state, added_at_ms, process_at_ms)
    values ('waiting', 'later', 1, 'x', 'delayed', 1, extract(epoch from now())::bigint * 1000 + 3600000)`
  expect((await ofQueue()).reasons.find(({ code }) => code === 'nothing_due')?.sentence).toMatch(
    /^1 job scheduled for later/,
  )
})

it('are shown with what they wait for, also behind a thousand children that have completed', async () => {
  await addFlow('late', { children: 1003, completed: 1001, state: 'waiting' })
  const shown = await served.jobsctl('show', 'late/parent', '--output', 'table')
  expect(shown.out).toContain('is queued, waits for at least 2 jobs\n')
  expect(shown.out).toMatch(/waits for +late children\/01002 +queued\n/)
  await addFlow('many', { children: 1100, state: 'waiting' })
  const many = await served.jobsctl('show', 'many/parent', '--output', 'table')
  expect(many.out).toContain('is queued, waits for at least 1,000 jobs\n')
})

it.each([
  [1000, undefined],
  [1001, true],
])('answer for programs with %i children whether there are more than are listed', async (children, at_least) => {
  const queue = `of ${children}`
  await addFlow(queue, { children, state: 'waiting' })
  const { out } = await served.jobsctl('show', `${queue}/parent`, '--json')
  const { dependencies } = Shown.parse(JSON.parse(out))
  expect({ ...dependencies, depends_on: dependencies.depends_on.length }).toEqual({
    depends_on: 1000,
    dependents: [],
    at_least,
  })
  expect(await reasonOf(`${queue}/parent`, 'waits_for_jobs')).toMatchObject({ facts: { count: 1000, at_least: true } })
})

it('are not marked where all that they wait for is counted', async () => {
  await addFlow('few', { children: 2, state: 'waiting' })
  expect((await reasonOf('few/parent', 'waits_for_jobs'))?.facts).not.toHaveProperty('at_least')
})

it.each([
  [9999, undefined],
  [10_000, true],
])('are explained beside %i running jobs, as far as those are counted', async (jobs, leased_at_least) => {
  const queue = `runs ${jobs}`
  await served.sql`
    insert into bullmq.job (queue, id, seq, name, state, added_at_ms)
    select ${queue}, n::text, n, 'x', 'active', 1 from generate_series(1, ${jobs}::int) as n`
  const { out } = await served.jobsctl('explain', `bullmq/${queue}`, '--json')
  const explanation = Explained.parse(JSON.parse(out))
  expect(explanation).toMatchObject({ leased: jobs })
  expect(explanation.leased_at_least).toBe(leased_at_least)
  const facts = explanation.reasons.find(({ code }) => code === 'all_leased')?.facts
  expect(facts).toEqual({ jobs, workers: 0, ...(leased_at_least && { at_least: true }) })
})
