import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import openApi from '../../../server/http/openapi.json' with { type: 'json' }
import { bearer, makeScoped } from '../../support/access/tokens.ts'
import { kinds } from '../../support/database/database.ts'
import { paths as known, openWorld, type World } from '../../support/world.ts'

const paths = { ...known, retry: '/api/v1/jobs/retry-now', cancelBatch: '/api/v1/jobs/batch/cancel' }

const keyed = '/api/v1/jobs/job'

describe.each(kinds)('a job by its uuid on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  const get = (path: string) => world.call('GET', path)
  const oneJob = async (wanted: object = {}) => {
    const uuid = randomUUID()
    const [id = 0] = await world.jobs(1, { uuid, ...wanted })
    return { id, uuid }
  }

  it.each(['', '/explain', '/attachments'])('is read at the path%s as by its id', async (rest) => {
    const { id, uuid } = await oneJob({ status: 'queued' })
    await world.call('POST', `/api/v1/jobs/${id}/attachments`, { kind: 'log', content_text: 'one' })
    const comparable = ({ status, body }: { status: number; body: unknown }) => [
      status,
      JSON.stringify(body).replaceAll(/"(?:as_of|sentence)":"[^"]*"/g, ''),
    ]
    const byId = comparable(await get(`/api/v1/jobs/${id}${rest}`))
    expect(byId[0]).toBe(200)
    for (const key of [id, uuid, uuid.toUpperCase()])
      expect(comparable(await get(`${keyed}${rest}?key=${key}`))).toEqual(byId)
  })

  it('is read from the archive', async () => {
    const { id, uuid } = await oneJob({ status: 'failed' })
    await world.confirm(paths.prune, { statuses: ['failed'], ids: [uuid], older_than_days: 1 })
    expect(await world.count()).toBe(0)
    expect(await get(`${keyed}?key=${uuid}`)).toMatchObject({ status: 200, body: { id, archived: true } })
    expect(await get(`/api/v1/jobs/archive/meta?job_id=${uuid}`)).toMatchObject({ status: 200, body: { job_id: id } })
  })

  it('is taken by a list, a change and a hold beside ids, and the record has the id', async () => {
    const [one, two] = [await oneJob({ status: 'failed' }), await oneJob({ status: 'failed' })]
    await oneJob({ status: 'failed' })
    const listed = await get(`/api/v1/jobs/list?ids=${one.uuid},${two.id}`)
    expect(
      Object(listed.body)
        .map(({ id }: { id: number }) => id)
        .sort(),
    ).toEqual([one.id, two.id].sort())
    const preview = await world.post(paths.retry, { ids: [one.uuid, two.id], dry_run: true })
    expect(preview).toMatchObject({ status: 200, body: { affected: 2 } })
    const token = Object(preview.body).preview.token
    const done = await world.confirm(paths.retry, { ids: [one.uuid, two.id], preview_token: token })
    expect(done).toMatchObject({ status: 200, body: { affected: 2 } })
    const [record] = await world.sql`select filters from job_operations order by id desc limit 1`
    expect(record?.filters).toMatchObject({ ids: [one.id, two.id] })
    const until = new Date(Date.now() + 86_400_000).toISOString()
    expect(await world.post('/api/v1/jobs/holds', { ids: [one.uuid], until })).toMatchObject({ status: 201 })
    expect(await world.sql`select job_id from jobsctl_held_jobs`).toEqual([{ job_id: one.id }])
    expect(await world.confirm(paths.cancelBatch, { job_id: two.uuid })).toMatchObject({ body: { affected: 1 } })
  })

  it('is 404 where no job has it, and nothing is changed', async () => {
    const { id } = await oneJob({ status: 'failed' })
    const before = await world.fingerprint()
    for (const key of [randomUUID(), randomUUID().toUpperCase()]) {
      const missing = (more = '') => ({
        status: 404,
        body: { code: 'not_found', detail: `there is no job ${key}${more}` },
      })
      expect(await get(`${keyed}?key=${encodeURIComponent(key)}`)).toMatchObject(missing())
      expect(await world.confirm(paths.retry, { ids: [id, key] })).toMatchObject(missing('; nothing was changed'))
    }
    const listed = await get(`/api/v1/jobs/list?ids=${id},${randomUUID()}`)
    expect(Object(listed.body).map((job: { id: number }) => job.id)).toEqual([id])
    expect(await world.fingerprint()).toBe(before)
  })

  const lease = { worker_id: 'w', lease_id: 'l' }
  /** What a call about one job needs beside its id, and the state of the job. */
  const acts: Record<string, { status?: string; body: object }> = {
    'POST /jobs/{id}/cancel': { body: {} },
    'POST /jobs/{id}/attachments': { body: { kind: 'log', content_text: 'one' } },
    'POST /jobs/{id}/complete': { status: 'processing', body: { ...lease, result: {} } },
    'POST /jobs/{id}/fail': { status: 'processing', body: { ...lease, error: 'e', retryable: false } },
    'POST /jobs/{id}/release': { status: 'processing', body: lease },
    'POST /jobs/{id}/renew': { status: 'processing', body: lease },
    'POST /jobs/{id}/leased': { status: 'processing', body: { lease_id: 'l' } },
  }
  /** What a change of many jobs needs beside their ids. */
  const changes: Record<string, object> = {
    '/jobs/batch/edit': { set: [{ path: 'payload.a', value: 1 }] },
    '/jobs/batch/priority': { priority: 1 },
    '/jobs/batch/reschedule': { available_at: '2030-01-01T00:00:00Z' },
    '/jobs/reschedule': { delta_seconds: 60 },
    '/jobs/batch/requeue_quarantined': { domain: 'chatbooks' },
    '/jobs/batch/requeue-quarantined': { domain: 'chatbooks' },
    '/jobs/ttl/sweep': { age_seconds: 60, action: 'cancel' },
    '/jobs/prune': { older_than_days: 1 },
  }
  /** An answer of a call without what differs from call to call. */
  const told = ({ status, body }: { status: number; body: unknown }) => {
    const { code, detail, affected, count, matched, errors } = Object(body)
    return { status, code, detail, affected, count, matched, errors }
  }
  const operations = Object.entries(openApi.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path.replace('/api/v1', '')}`,
      path,
      method: method.toUpperCase(),
      sent: JSON.stringify(operation.requestBody ?? {}),
    })),
  )

  it('is taken by every call about one job', async () => {
    const ofJob = operations.filter(({ path }) => path.startsWith('/api/v1/jobs/{id}'))
    expect(ofJob.flatMap(({ name, method }) => (method === 'POST' ? [name] : [])).sort()).toEqual(
      Object.keys(acts).sort(),
    )
    for (const { name, path, method } of ofJob) {
      const { status = 'queued', body } = acts[name] ?? { body: undefined }
      const by: unknown[] = []
      for (const field of ['id', 'uuid'] as const) {
        const job = await oneJob({ status, ...(status === 'processing' && lease) })
        by.push(told(await world.call(method, path.replace('{id}', String(job[field])), body)))
      }
      expect({ name, by: by[1] }).toEqual({ name, by: by[0] })
      expect({ name, by: by[1] }).toMatchObject({ name, by: { status: expect.toSatisfy((code) => code < 300) } })
      const gone = await world.call(method, path.replace('{id}', randomUUID()), body)
      expect({ name, gone }).toMatchObject({ name, gone: { status: 404, body: { code: 'not_found' } } })
    }
  })

  it('is taken by every change of jobs that are named', async () => {
    const named = operations.filter(
      ({ method, sent, path }) => method === 'POST' && /"(?:ids|job_id)":/.test(sent) && !/[{]|holds/.test(path),
    )
    expect(named.length).toBeGreaterThan(10)
    const { id, uuid } = await oneJob({ status: 'failed' })
    for (const { name, path, sent } of named) {
      const rest = { ...changes[path.replace('/api/v1', '')], ...(sent.includes('"dry_run"') && { dry_run: true }) }
      const ask = async (one: unknown) => told(await world.post(path, { ...rest, ids: [one] }))
      const byId = await ask(id)
      expect({ name, by: await ask(uuid) }).toEqual({ name, by: byId })
      expect({ name, errors: byId.errors }).toEqual({ name, errors: undefined })
      if (!sent.includes('"job_id":{')) continue
      expect({ name, by: told(await world.post(path, { ...rest, job_id: uuid })) }).toEqual({ name, by: byId })
    }
  })

  it('is not taken in a text that is no id', async () => {
    const { uuid } = await oneJob()
    const invalid = { status: 422, body: { code: 'invalid_request' } }
    for (const wrong of [`${uuid}0`, `q%2F${uuid}`, '8123x', '0'])
      expect([wrong, await world.post(`/api/v1/jobs/${wrong}/cancel`, {})]).toMatchObject([wrong, invalid])
    for (const query of [
      '',
      '?key=',
      '?key=0',
      '?key=-1',
      '?key=1.5',
      '?key=a%0A',
      '?key=abc',
      `?key=q/${uuid}`,
      `?key=${uuid}&id=1`,
      '?id=1',
    ])
      expect([query, await get(`${keyed}${query}`)]).toMatchObject([query, invalid])
    for (const ids of [['8123'], ['abc'], ['{1}'], [`q/${uuid}`], [''], ['a\n'], [0], [null], [{}]])
      expect([ids, await world.confirm(paths.retry, { ids })]).toMatchObject([ids, invalid])
  })
})

describe('a job by its uuid under a scope', () => {
  let world: World
  beforeAll(async () => {
    world = await openWorld('postgres', { AUTH_MODE: 'multi_user' })
  })
  afterAll(() => world?.stop())

  it('outside is answered as one that does not exist, whatever names it', async () => {
    const as = bearer(await makeScoped(world.sql, 'operator', { domains: ['inside'] }))
    const [foreign, gone, own] = [randomUUID(), randomUUID(), randomUUID()]
    await world.jobs(1, { uuid: foreign, domain: 'outside', status: 'failed' })
    await world.jobs(1, { uuid: own, domain: 'inside', status: 'failed' })
    const answers = async (uuid: string) => {
      const reads = ['', '/explain', '/attachments'].map((rest) =>
        world.call('GET', `${keyed}${rest}?key=${uuid}`, undefined, as),
      )
      const others = [
        world.call('GET', `/api/v1/jobs/${uuid}`, undefined, as),
        world.post(`/api/v1/jobs/${uuid}/cancel`, {}, as),
        world.call('GET', `/api/v1/jobs/archive/meta?job_id=${uuid}`, undefined, as),
        world.call('GET', `/api/v1/jobs/list?ids=${uuid}`, undefined, as),
        world.post(paths.retry, { ids: [own, uuid], dry_run: true }, as),
        world.post(paths.cancelBatch, { job_id: uuid, dry_run: true }, as),
      ]
      return (await Promise.all([...reads, ...others])).map(({ status, body }) =>
        JSON.stringify([status, { ...Object(body), request_id: '' }]).replaceAll(uuid, '<uuid>'),
      )
    }
    const told = await answers(foreign)
    expect(told).toEqual(await answers(gone))
    expect(told.map((answer) => answer.slice(0, 4))).toEqual([
      '[404',
      '[404',
      '[404',
      '[404',
      '[404',
      '[404',
      '[200',
      '[404',
      '[404',
    ])
  })
})
