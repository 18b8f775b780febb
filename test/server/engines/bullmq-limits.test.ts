import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { makeBullMq } from '../../support/engines/bullmq.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'

const Explained = z.object({
  sentence: z.string(),
  reasons: z.array(z.object({ code: z.string(), sentence: z.string(), remedy: z.unknown() })),
})

let served: ServedTables
beforeAll(async () => {
  served = await serveTables((sql) => makeBullMq({ sql, version: 11 }))
})
afterAll(() => served.close())

interface Limits {
  concurrency?: number
  max?: number
  /** How many jobs have begun in a window that is on; by hand, as many as BullMQ writes then. */
  begun?: number | 'by hand'
  over?: true
}

/** A queue with a running job and one that waits, under limits that BullMQ keeps in its tables. */
async function addQueue(queue: string, { concurrency, max, begun, over }: Limits): Promise<void> {
  const { sql } = served
  await sql`
    insert into bullmq.job (queue, id, seq, name, state, added_at_ms, processed_at_ms)
    select ${queue}, state, 1, 'x', state::bullmq.job_state, 1, extract(epoch from now()) * 1000
    from unnest(array['waiting', 'active', 'failed']) as state`
  for (const [field, value] of Object.entries({ concurrency, max }))
    if (value !== undefined) await sql`insert into bullmq.meta values (${queue}, ${field}, ${String(value)})`
  if (begun !== undefined)
    await sql`
      insert into bullmq.rate_limit values (
        ${queue}, ${begun === 'by hand' ? '9007199254740991' : String(begun)}::text::bigint,
        extract(epoch from now())::bigint * 1000 + ${over ? -1000 : 60_000}::int
      )`
}

const reasonsOf = async (path: 'job' | 'queues', query: Record<string, string>) => {
  const { body } = await served.get(`/api/v1/jobs/${path}/explain`, query)
  return Explained.parse(body).reasons.filter(({ code }) => code === 'throttled' || code === 'rate_limited')
}

const end = 'at [-0-9]+ [:0-9]+ UTC, in (1m|[0-9]+s)$'

it.each<[string, Limits, string[]]>([
  ['free', {}, []],
  ['wide', { concurrency: 2, max: 2, begun: 1 }, []],
  ['over', { max: 2, begun: 2, over: true }, []],
  ['full', { concurrency: 1 }, ['^bullmq/full is throttled: 1 of 1 are running$']],
  [
    'fast',
    { max: 2, begun: 2 },
    [`^the rate limit of bullmq/fast is reached .2 of 2 jobs.: the next job begins ${end}`],
  ],
  ['hand', { max: 2, begun: 'by hand' }, [`^the rate limit of bullmq/hand is reached: the next job begins ${end}`]],
  [
    'worker',
    { begun: 3 },
    [
      '^workers limit the rate of bullmq/worker: 3 jobs of a window that ends at .+; how many may begin in it is in no table$',
    ],
  ],
])('the limits of the queue %s are among the reasons why its jobs wait: %o', async (queue, limits, sentences) => {
  await addQueue(queue, limits)
  const expected = sentences.map((sentence) => ({ sentence: expect.stringMatching(sentence), remedy: null }))
  expect(await reasonsOf('queues', { domain: 'bullmq', queue })).toMatchObject(expected)
  expect(await reasonsOf('job', { key: `${queue}/waiting` })).toMatchObject(expected)
  expect(await reasonsOf('job', { key: `${queue}/failed` })).toEqual([])
})

it('where nothing keeps the jobs, only the tables are said to keep none: workers may have limits of their own', async () => {
  await addQueue('idle', {})
  const ofQueue = await served.get('/api/v1/jobs/queues/explain', { domain: 'bullmq', queue: 'idle' })
  expect(Explained.parse(ofQueue.body).sentence).toMatch(/1 running\. Nothing in its tables keeps them from running\.$/)
  const ofJob = await served.get('/api/v1/jobs/job/explain', { key: 'idle/waiting' })
  expect(Explained.parse(ofJob.body).sentence).toMatch(/ and due, and nothing in its tables keeps it from running\.$/)
})

it.each<[string, Limits, number]>([
  ['scaled', {}, 3],
  ['scaled wide', { concurrency: 2 }, 2],
  ['scaled full', { concurrency: 1 }, 1],
])('no more workers are wanted than the global concurrency lets run: %s %o', async (queue, limits, wanted) => {
  await addQueue(queue, limits)
  await served.sql`
    insert into bullmq.job (queue, id, seq, name, state, added_at_ms)
    select ${queue}, n::text, n, 'x', 'waiting', 1 from generate_series(1, 9) as n`
  await served.sql`
    insert into bullmq.job (queue, id, seq, name, state, added_at_ms, processed_at_ms, finished_at_ms)
    select ${queue}, 'ended', 1, 'x', 'completed', 1, at - 12000, at
    from (select (extract(epoch from now()) * 1000)::bigint as at) as now`
  const { body } = await served.get('/api/v1/jobs/scale', { domain: 'bullmq', queue })
  expect(body).toMatchObject({ backlog: 10, running: 1, wanted_workers: wanted })
})

it('a job without a number of attempts has one', async () => {
  await addQueue('one try', {})
  await served.sql`update bullmq.job set max_attempts = 0, attempts_made = 1 where queue = 'one try' and id = 'failed'`
  const { body } = await served.get('/api/v1/jobs/job/explain', { key: 'one try/failed' })
  expect(Explained.parse(body).reasons).toMatchObject([
    { sentence: expect.stringMatching(/^failed after 1 of 1 retries/) },
  ])
})
