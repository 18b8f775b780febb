import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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
