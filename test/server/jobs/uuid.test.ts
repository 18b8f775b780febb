import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
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

  it('is not taken where only a number can be, nor is a text that is no id', async () => {
    const { uuid } = await oneJob()
    const invalid = { status: 422, body: { code: 'invalid_request' } }
    expect(await get(`/api/v1/jobs/${uuid}`)).toMatchObject(invalid)
    expect(await world.post(`/api/v1/jobs/${uuid}/cancel`, {})).toMatchObject(invalid)
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
    expect(told.map((answer) => answer.slice(0, 4))).toEqual(['[404', '[404', '[404', '[404', '[200', '[404', '[404'])
  })
})
