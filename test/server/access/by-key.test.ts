import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bearer, makeScoped, makeToken } from '../../support/access/tokens.ts'
import { kinds } from '../../support/database/database.ts'
import { openWorld, type World } from '../../support/world.ts'

const job = { domain: 'shop', job_type: 'receipt', payload: { secret: 'sesame' }, idempotency_key: 'order-17/ä&b' }
const pathOf = (fields: Record<string, string> = {}) =>
  `/api/v1/jobs/by-key?${new URLSearchParams({ ...{ domain: 'shop', job_type: 'receipt', idempotency_key: job.idempotency_key }, ...fields })}`

describe.each(kinds)('a job is found by its idempotency key on %s', (kind) => {
  let world: World
  let web: Record<string, string>
  let mobile: Record<string, string>
  let operator: Record<string, string>
  let id: number
  beforeAll(async () => {
    world = await openWorld(kind, { AUTH_MODE: 'multi_user' })
    web = bearer(await makeToken(world.sql, 'web', 'producer'))
    mobile = bearer(await makeToken(world.sql, 'mobile', 'producer'))
    operator = bearer(await makeToken(world.sql, 'ann', 'operator'))
    const { status, body } = await world.post('/api/v1/jobs', job, web)
    expect(status).toBe(201)
    id = Object(body).id
  })
  afterAll(() => world?.stop())

  const get = (as: Record<string, string>, fields?: Record<string, string>) =>
    world.call('GET', pathOf(fields), undefined, as)

  it('by the producer that has enqueued it, without payload and lease', async () => {
    const { status, body } = await get(web)
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { id, status: 'queued', domain: 'shop', queue: 'default' },
    })
    expect(JSON.stringify(body)).not.toMatch(/sesame|lease_id|payload/)
  })

  it('by who may read jobs, whoever has enqueued it', async () => {
    expect((await get(operator)).body).toMatchObject({ id })
  })

  it('by no other producer, which is answered as for a key that no job has', async () => {
    const [foreign, unknown] = [await get(mobile), await get(mobile, { idempotency_key: 'nothing' })]
    const { detail } = Object(foreign.body)
    expect(foreign.status).toBe(404)
    expect(Object(unknown.body)).toMatchObject({ status: 404, detail, code: 'not_found' })
    // Its own enqueue finds the job, since a key belongs to a group, and the job stays the other's.
    expect((await world.post('/api/v1/jobs', job, mobile)).body).toMatchObject({ created: false, id })
    expect((await get(mobile)).status).toBe(404)
  })

  it.each([{ queue: 'other' }, { domain: 'x' }, { job_type: 'x' }])('in no other group: %j', async (fields) => {
    expect((await get(web, fields)).status).toBe(404)
  })

  it('outside of the scope of a token as one that does not exist', async () => {
    const scoped = bearer(await makeScoped(world.sql, 'operator', { domains: ['garden'] }))
    expect((await get(scoped)).status).toBe(404)
  })

  it.each([
    '?domain=shop',
    '?domain=shop&job_type=t&idempotency_key=',
    '?domain=shop&job_type=t&idempotency_key=k&x=1',
  ])('not by a request of another shape: %s', async (query) => {
    const { status } = await world.call('GET', `/api/v1/jobs/by-key${query}`, undefined, web)
    expect(status).toBe(422)
  })
})
