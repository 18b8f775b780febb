import type postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { countIds, fillBullMq, jobsOfState, makeBullMq, oddQueues } from '../../support/engines/bullmq.ts'
import { type ServedTables, serveTables } from '../../support/engines/serve-tables.ts'
import { runJobsctl } from '../../support/programs/jobsctl.ts'

const schema = 'Bull"MQ'

describe.each([2, 11])('the jobs of BullMQ with schema %i', (version) => {
  let served: ServedTables
  let sql: postgres.Sql
  beforeAll(async () => {
    served = await serveTables(
      async (made) => {
        sql = made
        await makeBullMq({ sql, version, schema })
        await fillBullMq({ sql, version, schema })
      },
      { env: { JOBS_METRICS: 'on' } },
    )
  })
  afterAll(() => served.close())

  const get = (path: string, query?: Record<string, string>) => served.get(path, query)
  const jobs = () => sql<{ queue: string; id: string; state: string; added: number }[]>`
    select queue, id, state::text as state, added_at_ms::float8 as added from ${sql(`${schema}.job`)}`
  const listed = async (query: Record<string, string>) => {
    const ids: string[] = []
    let path = `/api/v1/jobs/list?${new URLSearchParams({ limit: '7', ...query })}`
    for (;;) {
      const { body, headers } = await get(path)
      ids.push(
        ...z
          .array(z.object({ id: z.string() }))
          .parse(body)
          .map(({ id }) => id),
      )
      const next = /<\?([^>]*)>; rel="next"/.exec(headers.link ?? '')?.[1]
      if (next === undefined) return ids
      path = `/api/v1/jobs/list?${next}`
    }
  }

  it.each([
    ['cancel', 'flows/waits', 'queued, and cancel does not take it: it waits for the children of its flow'],
    ['reschedule', 'flows/waits', 'queued, and reschedule does not take it: it waits for the children of its flow'],
    ['cancel', 'mail/21', 'processing: jobsctl cancel --force mail/21; nothing was changed'],
  ])('%s of %s alone says why BullMQ keeps it', async (verb, key, why) => {
    const { code, err } = await served.jobsctl(verb, '--dry-run', key, ...(verb === 'reschedule' ? ['--in', '2h'] : []))
    expect({ code, err }).toMatchObject({ code: 6, err: expect.stringContaining(`error: job ${key} is ${why}`) })
  })

  it('are counted by queue and name, parents that wait for children as scheduled', async () => {
    const half = jobsOfState / 2
    const live = { queued: half, scheduled: half, processing: half, quarantined: 0, failed: half }
    const none = { queued: 0, scheduled: 0, processing: 0, quarantined: 0, failed: 0 }
    const group = (queue: string, job_type: string, counts: object) => ({ domain: schema, queue, job_type, ...counts })
    const { plain, odd, long } = oddQueues
    const { status, body } = await get('/api/v1/jobs/stats')
    expect({ status, body }).toEqual({
      status: 200,
      body: [
        ...['digest', 'welcome'].map((name) => group(odd, name, live)),
        group('flows', 'step', { ...none, scheduled: 1, failed: 1 }),
        ...['digest', 'welcome'].map((name) => group(plain, name, live)),
        ...['digest', 'welcome'].map((name) => group(long, name, live)),
        group('steps', 'step', { ...none, queued: 1, failed: 1 }),
      ],
    })
    expect((await get('/api/v1/jobs/stats', { queue: plain, domain: schema, job_type: 'digest' })).body).toEqual([
      group(plain, 'digest', live),
    ])
  })

  it.each([
    [{ sort_by: 'created_at' }],
    [{ sort_by: 'created_at', sort_order: 'asc' }],
    [{ sort_by: 'ended_at' }],
    [{ sort_by: 'completed_at', sort_order: 'asc' }],
    [{ sort_by: 'priority' }],
    [{ sort_by: 'status', sort_order: 'asc' }],
  ])('are listed once each, page after page: %o', async (query) => {
    expect((await listed(query)).toSorted()).toEqual((await jobs()).map(keyOf).toSorted())
  })

  it('are listed in the order of their creation, and by state', async () => {
    const all = await jobs()
    const added = new Map(all.map((job) => [keyOf(job), job.added]))
    expect((await listed({})).map((id) => added.get(id))).toEqual(
      all.map((job) => job.added).toSorted((one, other) => other - one),
    )
    const keysIn = (...states: string[]) =>
      all
        .filter(({ state }) => states.includes(state))
        .map(keyOf)
        .toSorted()
    expect((await listed({ status: 'queued' })).toSorted()).toEqual(keysIn('waiting', 'delayed', 'waiting-children'))
    expect((await listed({ status: 'failed', sort_by: 'ended_at' })).toSorted()).toEqual(keysIn('failed'))
    expect(await listed({ status: 'cancelled' })).toEqual([])
    expect(await listed({ error: 'from 10.0.0.10' })).toHaveLength(3)
  })

  it('are shown by their key, with the newest lines of their log, and without the token of their lock', async () => {
    const { plain, odd } = oddQueues
    const failed = z.looseObject({ attachments: z.array(z.object({ kind: z.string(), content_text: z.string() })) })
    const shown = await get('/api/v1/jobs/job', { key: `${plain}/50` })
    expect(shown).toMatchObject({
      status: 200,
      body: {
        status: 'failed',
        retry_count: 1,
        error_message: 'no answer from 10.0.0.10',
        error_stack: ['Error: no answer'],
      },
    })
    const [log] = failed.parse(shown.body).attachments
    expect(log).toMatchObject({ kind: 'log' })
    expect(log?.content_text.split('\n')).toEqual(Array.from({ length: 100 }, (_, n) => `line ${n + 20}`))
    const running = await get('/api/v1/jobs/job', { key: keyOf({ queue: odd, id: '21' }) })
    expect(running).toMatchObject({ status: 200, body: { status: 'processing', worker_id: 'worker 1' } })
    expect(JSON.stringify(running.body)).not.toContain('token 1')
  })

  it('are found by an id alone where one queue has it', async () => {
    expect((await get('/api/v1/jobs/list', { ids: 'culprit' })).body).toMatchObject([{ id: 'steps/culprit' }])
    expect(await get('/api/v1/jobs/list', { ids: '7' })).toMatchObject({
      status: 422,
      body: { code: 'not_supported', detail: expect.stringMatching(/^jobs of 3 queues have the id 7,/) },
    })
  })

  it('say which jobs of their flow they wait for', async () => {
    const parent = { status: 'queued', id: 'flows/waits' }
    expect((await get('/api/v1/jobs/job', { key: 'flows/waits' })).body).toMatchObject({
      dependencies: {
        depends_on: [
          { id: 'steps/fresh', status: 'queued' },
          { id: 'steps/done', status: 'completed' },
        ],
        dependents: [],
      },
    })
    expect((await get('/api/v1/jobs/job', { key: 'steps/fresh' })).body).toMatchObject({
      dependencies: { depends_on: [], dependents: [parent] },
    })
    const { body } = await get('/api/v1/jobs/job/explain', { key: 'flows/waits' })
    expect(reasonsOf(body).find(({ code }) => code === 'waits_for_jobs')).toMatchObject({
      facts: { count: 1, jobs: [{ id: 'steps/fresh' }] },
    })
    const env = { JOBSCTL_URL: served.url, JOBSCTL_API_KEY: 'key' }
    const { out, code } = await runJobsctl(['explain', 'flows/waits'], { env })
    expect({ code, out }).toMatchObject({ code: 0, out: expect.stringContaining('waits_for_jobs') })
  })

  it('have a place in line: a lower priority goes first, and 0 before 1', async () => {
    const { body } = await get('/api/v1/jobs/job/explain', { key: `${oddQueues.plain}/1` })
    // Of priority 0 there are the jobs 3, 6 and 9.
    expect(body).toMatchObject({ status: 'queued', place: { ahead: 3 } })
  })

  it('do not run in a queue that their application has paused', async () => {
    await sql`insert into ${sql(`${schema}.meta`)} values (${oddQueues.plain}, 'paused', '1')`
    const { body } = await get('/api/v1/jobs/job/explain', { key: `${oddQueues.plain}/1` })
    expect(reasonsOf(body).map(({ code }) => code)).toContain('queue_paused')
    expect((await get('/api/v1/jobs/queues')).body).toMatchObject([
      { domain: schema, queue: oddQueues.plain, paused: true },
    ])
    await sql`delete from ${sql(`${schema}.meta`)}`
  })

  it('have their failures in clusters, their workers and their leases, and metrics', async () => {
    expect((await get('/api/v1/jobs/clusters', { status: 'failed' })).body).toMatchObject({
      clusters: [
        { pattern: 'no answer from #', count: 30 },
        { pattern: 'broken', count: 2 },
      ],
    })
    expect((await get('/api/v1/jobs/workers')).body).toMatchObject([{ worker_id: 'worker 1', leases: 30 }])
    const { status, body } = await get('/metrics/jobs')
    expect(status).toBe(200)
    expect(body).toMatch(/jobsctl_oldest_ready_age_seconds\{[^}]*queue="mail"[^}]*\} \d{4,}/)
  })

  it('with times past the calendar are read', async () => {
    await countIds({ sql, schema }, 'odd times', 1)
    await sql`
      insert into ${sql(`${schema}.job`)} (queue, id, seq, name, state, added_at_ms, process_at_ms)
      values ('odd times', '1', 1, 'n', 'delayed', ${'-9223372036854775807'}::bigint, ${'9223372036854775807'}::bigint)`
    expect((await get('/api/v1/jobs/job', { key: 'odd times/1' })).body).toMatchObject({ status: 'queued' })
    expect((await get('/api/v1/jobs/stats', { queue: 'odd times' })).body).toMatchObject([{ scheduled: 1 }])
    await sql`delete from ${sql(`${schema}.job`)} where queue = 'odd times'`
  })
})

const reasonsOf = (body: unknown) =>
  z.object({ reasons: z.array(z.looseObject({ code: z.string() })) }).parse(body).reasons

const keyOf = ({ queue, id }: { queue: string; id: string }): string =>
  `${queue.replaceAll('%', '%25').replaceAll('/', '%2F').replaceAll('\u0007', '%07')}/${id}`
