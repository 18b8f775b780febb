import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import * as z from 'zod'
import { bearer, makeToken } from '../../support/access/tokens.ts'
import { kinds } from '../../support/database/database.ts'
import { openWorld, type World } from '../../support/world.ts'

const Leased = z.object({ jobs: z.array(z.object({ id: z.number(), lease_id: z.string() })) })
type Headers = Record<string, string>

describe.each(kinds)('a lease on %s', (kind) => {
  let world: World
  let [one, other, veteran]: Headers[] = []
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user' })
    one = bearer(await makeToken(world.sql, 'one', 'worker'))
    other = bearer(await makeToken(world.sql, 'other', 'worker'))
    veteran = bearer(await makeToken(world.sql, 'veteran'))
  })
  afterAll(() => world?.stop())

  async function lease(as: Headers | undefined): Promise<{ id: number; lease_id: string }> {
    await world.jobs(1, { domain: 'd', queue: 'default', status: 'queued' })
    const { body } = await world.post('/api/v1/jobs/acquire', { domain: 'd', worker_id: 'w' }, as)
    const [job] = Leased.parse(body).jobs
    if (!job) throw new Error(`no job: ${JSON.stringify(body)}`)
    return job
  }
  const send = (action: string, { id, lease_id }: { id: number; lease_id: string }, as: Headers | undefined) =>
    world.post(
      `/api/v1/jobs/${id}/${action}`,
      { worker_id: 'w', lease_id, ...(action === 'fail' && { error: 'e' }) },
      as,
    )

  it('belongs to the token of a worker that took it: for another token, of any role, it is lost', async () => {
    const job = await lease(one)
    expect(job.lease_id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    for (const thief of [other, veteran, bearer(await makeToken(world.sql, 'boss', 'admin'))]) {
      for (const action of ['renew', 'complete', 'fail', 'release']) {
        expect(await send(action, job, thief)).toMatchObject({ status: 409, body: { code: 'lease_lost' } })
      }
      const item = { worker_id: 'w', ...job }
      const many = await world.post('/api/v1/jobs/finish', { jobs: [{ action: 'complete', ...item }] }, thief)
      expect(many.body).toMatchObject({ results: [{ ok: false, id: job.id, code: 'lease_lost' }] })
      const renewed = await world.post('/api/v1/jobs/renew', { jobs: [item] }, thief)
      expect(renewed.body).toMatchObject({ results: [{ ok: false, id: job.id, code: 'lease_lost' }] })
    }
    expect((await send('renew', job, one)).status).toBe(200)
    expect(await send('complete', job, one)).toMatchObject({ status: 200, body: { status: 'completed' } })
  })

  it('of a token without a role is finished by whoever knows it, as before there were roles', async () => {
    expect((await send('complete', await lease(veteran), other)).status).toBe(200)
    expect((await send('complete', await lease(veteran), veteran)).status).toBe(200)
  })

  it('lets its worker read the job again, whatever has become of it under the lease, and no other job', async () => {
    const job = await lease(one)
    const read = ({ id, lease_id }: { id: number; lease_id: string }, as = one) =>
      world.post(`/api/v1/jobs/${id}/leased`, { lease_id }, as)
    expect(await read(job)).toMatchObject({
      status: 200,
      body: { id: job.id, status: 'processing', lease_id: job.lease_id, payload: expect.anything() },
    })
    const lost = { status: 409, body: { code: 'lease_lost' } }
    for (const thief of [other, veteran]) expect(await read(job, thief)).toMatchObject(lost)
    const foreign = await lease(other)
    expect(await read({ ...job, lease_id: foreign.lease_id })).toMatchObject(lost)
    expect(await read({ ...foreign, lease_id: job.lease_id })).toMatchObject(lost)
    expect(await read({ ...job, id: 2 ** 40 })).toMatchObject({ status: 404, body: { code: 'not_found' } })
    expect(await read({ ...job, lease_id: ' ' })).toMatchObject({ status: 422 })
    expect((await world.call('GET', `/api/v1/jobs/${job.id}`, undefined, one)).status).toBe(403)
    expect((await send('complete', job, one)).status).toBe(200)
    expect(await read(job)).toMatchObject({ status: 200, body: { status: 'completed' } })
    await send('release', foreign, other)
    expect(await read(foreign, other)).toMatchObject(lost)
  })

  it('is in no line of the log when its job is read', async () => {
    const { id, lease_id } = await lease(veteran)
    const request = { ...veteran, 'x-request-id': crypto.randomUUID() }
    expect((await world.post(`/api/v1/jobs/${id}/leased`, { lease_id }, request)).status).toBe(200)
    await vi.waitFor(() => {
      const lines = world.log.filter((line) => line.includes(request['x-request-id']))
      expect(lines.join('\n')).toContain('/api/v1/jobs/:id/leased')
    }, 20_000)
    expect(world.log.join('\n')).not.toContain(lease_id)
  })

  it('keeps the order of the results where only some are of the caller', async () => {
    const [mine, foreign] = [await lease(one), await lease(other)]
    const jobs = [foreign, mine].map((job) => ({ action: 'release', worker_id: 'w', ...job }))
    const { body } = await world.post('/api/v1/jobs/finish', { jobs }, one)
    expect(body).toMatchObject({
      results: [
        { ok: false, id: foreign.id, code: 'lease_lost' },
        { ok: true, id: mine.id, status: 'queued' },
      ],
    })
  })
})
