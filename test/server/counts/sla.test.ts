import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { kinds } from '../../support/database/database.ts'
import { ago, type Wanted } from '../../support/database/job-row.ts'
import { insertRows } from '../../support/database/tables.ts'
import { pageAfter } from '../../support/list.ts'
import { openWorld, type World } from '../../support/world.ts'

const at = {
  policy: '/api/v1/jobs/sla/policy',
  policies: '/api/v1/jobs/sla/policies',
  breaches: '/api/v1/jobs/sla/breaches',
}
const group = { domain: 'chatbooks', queue: 'default', job_type: 'export' }

const Breaches = z.array(z.looseObject({ job_id: z.number(), breach_kinds: z.array(z.string()) }))

describe.each(kinds)('limits of groups on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(async () => {
    await world.clear()
    await world.sql`delete from job_sla_policies`
  })

  const set = (limits: object) => world.post(at.policy, { ...group, ...limits })
  const remove = (body: unknown = group) => world.call('DELETE', at.policy, body)
  const policies = (query = '') => world.call('GET', at.policies + query)
  const breaches = (query = '') => world.call('GET', at.breaches + query)
  const ids = async (query = '') => Breaches.parse((await breaches(query)).body).map(({ job_id }) => job_id)

  it('are set without a confirmation, both at once, and listed with all columns', async () => {
    expect(await set({ max_queue_latency_seconds: 60, max_duration_seconds: 5 })).toMatchObject({
      status: 200,
      body: { ok: true },
    })
    await set({ max_duration_seconds: 7, enabled: false })
    await set({ domain: 'Media', max_queue_latency_seconds: null })
    const { body, headers } = await policies()
    expect(body).toEqual([
      {
        ...{ ...group, domain: 'Media', max_queue_latency_seconds: null, max_duration_seconds: null, enabled: true },
        updated_at: expect.stringMatching(/^\d{4}-.*Z$/),
      },
      {
        ...{ ...group, max_queue_latency_seconds: null, max_duration_seconds: 7, enabled: false },
        updated_at: expect.stringMatching(/^\d{4}-.*Z$/),
      },
    ])
    expect(Object.keys(Object(body)[0])).toEqual([
      ...['domain', 'queue', 'job_type', 'max_queue_latency_seconds', 'max_duration_seconds', 'enabled', 'updated_at'],
    ])
    expect(headers['x-complete']).toBe('true')
    expect((await policies('?domain=Media')).body).toHaveLength(1)
    expect((await policies('?job_type=import')).body).toEqual([])
  })

  it('are taken away by a DELETE with a body of JSON, once', async () => {
    await set({ max_duration_seconds: 5 })
    await set({ queue: 'low', max_duration_seconds: 5 })
    expect(await remove()).toMatchObject({ status: 200, body: { ok: true } })
    expect(await remove()).toMatchObject({ status: 404, body: { code: 'not_found' } })
    expect((await policies()).body).toMatchObject([{ queue: 'low' }])
    expect(await remove({ ...group, queue: undefined })).toMatchObject({
      status: 422,
      body: { errors: [{ path: 'queue', message: 'is required' }] },
    })
    expect(await remove('')).toMatchObject({ status: 400, body: { code: 'malformed_json' } })
    expect(await world.call('DELETE', `${at.policy}?domain=chatbooks`, group)).toMatchObject({ status: 422 })
    expect(await world.call('GET', at.policy)).toMatchObject({ status: 405, headers: { allow: 'POST, DELETE' } })
  })

  it.each([
    [{ domain: '' }, 'domain'],
    [{ job_type: undefined }, 'job_type'],
    [{ max_duration_seconds: -1 }, 'max_duration_seconds'],
    [{ max_duration_seconds: 1.5 }, 'max_duration_seconds'],
    [{ max_queue_latency_seconds: '60' }, 'max_queue_latency_seconds'],
    [{ max_queue_latency_seconds: 2 ** 31 }, 'max_queue_latency_seconds'],
    [{ enabled: 'yes' }, 'enabled'],
    [{ max_wait_seconds: 5 }, 'max_wait_seconds'],
  ])('refuse %o', async (fields, path) => {
    expect(await set(fields)).toMatchObject({ status: 422, body: { errors: [{ path }] } })
    expect((await policies()).body).toEqual([])
  })

  const running = (wanted: Wanted) =>
    world.jobs(1, { status: 'processing', created_at: ago(100), acquired_at: ago(95), started_at: ago(90), ...wanted })

  it('are broken by jobs that wait or run longer than that, which say by how much', async () => {
    const [slow] = await world.jobs(1, { status: 'queued', created_at: ago(600.3) })
    const [late] = await running({ created_at: ago(500), acquired_at: ago(300), started_at: ago(10) })
    const [long] = await running({})
    const [both] = await running({ created_at: ago(400), acquired_at: ago(100), started_at: null })
    await world.jobs(1, { status: 'queued', created_at: ago(30) })
    await running({ created_at: ago(600), acquired_at: null, started_at: null })
    await world.jobs(1, { status: 'failed' })
    await world.jobs(1, { status: 'queued', queue: 'low' })
    expect((await breaches()).body).toEqual([])
    await set({ max_queue_latency_seconds: 60, max_duration_seconds: 50 })
    const { status, body, headers } = await breaches()
    expect(status).toBe(200)
    const named = { ...group }
    const near = (least: number) =>
      expect.toSatisfy((n: number) => n >= least && n < least + 60 && Number.isInteger(Math.round(n * 100) / 10))
    expect(body).toEqual([
      {
        ...{ job_id: slow, ...named, status: 'queued', breach_kinds: ['queue_latency'] },
        ...{ wait_seconds: near(600.3), max_wait_seconds: 60 },
      },
      {
        ...{ job_id: late, ...named, status: 'processing', breach_kinds: ['queue_latency'] },
        ...{ wait_seconds: 200, max_wait_seconds: 60 },
      },
      {
        ...{ job_id: both, ...named, status: 'processing', breach_kinds: ['queue_latency', 'duration'] },
        ...{ wait_seconds: 300, max_wait_seconds: 60, processing_seconds: near(100), max_processing_seconds: 50 },
      },
      {
        ...{ job_id: long, ...named, status: 'processing', breach_kinds: ['duration'] },
        ...{ processing_seconds: near(90), max_processing_seconds: 50 },
      },
    ])
    expect(headers).toMatchObject({ 'x-complete': 'true' })
    expect(headers.link).toBeUndefined()
  })

  it('are not looked at while they are off, and narrowed by the scope of the jobs', async () => {
    await world.jobs(2, { status: 'queued' })
    await world.jobs(1, { status: 'queued', queue: 'low' })
    await set({ max_queue_latency_seconds: 60, enabled: false })
    await set({ queue: 'low', max_queue_latency_seconds: 0 })
    expect(await ids()).toHaveLength(1)
    await set({ max_queue_latency_seconds: 60 })
    expect(await ids()).toHaveLength(3)
    expect(await ids('?queue=low')).toHaveLength(1)
    expect(await ids('?domain=other')).toEqual([])
    await world.sql`update job_sla_policies set enabled = null`
    expect(await ids()).toEqual([])
  })

  it('come in pages that together have each job once, jobs without a time of creation last', async () => {
    await insertRows(
      world.sql,
      Array.from({ length: 40 }, (_, n) => ({
        ...{ ...group, queue: n % 3 === 0 ? 'low' : 'default', status: n % 2 === 0 ? 'queued' : 'processing' },
        created_at: n % 5 === 1 ? null : ago(10_000 - Math.floor(n / 4)),
        started_at: ago(5000),
      })),
    )
    const limits = { max_queue_latency_seconds: 60, max_duration_seconds: 60 }
    await set(limits)
    await set({ ...limits, queue: 'low' })
    const all = await ids()
    expect(all.length).toBeGreaterThan(30)
    expect(new Set(all).size).toBe(all.length)
    const paged: number[] = []
    for (let next: URLSearchParams | undefined = new URLSearchParams('limit=7'); next; ) {
      const page = await breaches(`?${next}`)
      expect(page.status).toBe(200)
      paged.push(...Breaches.parse(page.body).map(({ job_id }) => job_id))
      next = pageAfter(page, 'next')
    }
    expect(paged).toEqual(all)
    const cursor = pageAfter(await breaches('?limit=1'), 'next')?.get('cursor') ?? ''
    for (const query of [
      'limit=0',
      'limit=1001',
      'cursor=abc',
      `cursor=${cursor}&queue=low`,
      `cursor=${cursor.slice(0, -4)}`,
      'offset=1',
    ])
      expect((await breaches(`?${query}`)).status).toBe(422)
  })

  it('are judged beside times that no clock tells, and a column of another program', async () => {
    await world.sql`alter table jobs add column if not exists max_wait text`
    await running({ created_at: '-infinity', started_at: '-infinity' })
    await running({ created_at: 'infinity', acquired_at: '-infinity', started_at: null })
    await running({ created_at: null, acquired_at: null, started_at: null })
    await world.jobs(1, { status: 'queued', created_at: '-infinity' })
    await world.jobs(1, { status: 'queued', created_at: null })
    await world.sql`
      insert into jobs (id, domain, queue, job_type, status, created_at)
      values (${'9007199254740993'}::text::bigint, 'chatbooks', 'default', 'export', 'queued', '2001-01-01')`
    const [known] = await world.jobs(1, { status: 'queued', created_at: '4000-01-01 00:00:00 BC' })
    await set({ max_queue_latency_seconds: 2 ** 31 - 1, max_duration_seconds: 0 })
    expect(await ids()).toEqual([known])
    await world.sql`alter table jobs drop column max_wait`
  })
})
