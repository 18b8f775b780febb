import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kinds } from '../../support/database/database.ts'
import { ago } from '../../support/database/job-row.ts'
import { openWorld, type World } from '../../support/world.ts'

const path = '/api/v1/jobs/stale'

describe.each(kinds)('queues with expired leases on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  const stale = (query = '') => world.call('GET', `${path}${query}`)

  it('are none where every lease holds, or no job runs', async () => {
    await world.jobs(1, { status: 'processing' })
    await world.jobs(1, { status: 'queued', leased_until: ago(60) })
    expect(await stale()).toMatchObject({
      status: 200,
      body: [],
      headers: { 'x-scanned': '0', 'x-complete': 'true' },
    })
  })

  it('are counted, with the time at which the first lease expired', async () => {
    const [first, last] = ['2026-01-01T00:00:00.5Z', '2026-02-01T00:00:00Z']
    await world.jobs(2, { status: 'processing', queue: 'low', leased_until: last })
    await world.jobs(1, { status: 'processing', queue: 'low', leased_until: first })
    await world.jobs(1, { status: 'processing', queue: 'low' })
    await world.jobs(2, { status: 'processing', queue: 'high', leased_until: null })
    await world.jobs(1, { status: 'processing', domain: 'Media', leased_until: '-infinity' })
    const { body, headers } = await stale()
    expect(body).toEqual([
      { domain: 'Media', queue: 'default', count: 1, oldest: null },
      { domain: 'chatbooks', queue: 'high', count: 2, oldest: null },
      { domain: 'chatbooks', queue: 'low', count: 3, oldest: first },
    ])
    expect(Object.keys(Object(body)[0])).toEqual(['domain', 'queue', 'count', 'oldest'])
    expect(headers).toMatchObject({ 'x-scanned': '6', 'x-complete': 'true' })
  })

  it('are narrowed by scope, and a misspelt filter is refused', async () => {
    await world.jobs(1, { status: 'processing', leased_until: ago(60) })
    await world.jobs(1, { status: 'processing', leased_until: ago(60), queue: 'low', job_type: 'import' })
    for (const query of ['?queue=low', '?job_type=import', '?domain=%20chatbooks%20&queue=low'])
      expect((await stale(query)).body).toMatchObject([{ domain: 'chatbooks', queue: 'low', count: 1 }])
    expect((await stale('?domain=')).body).toHaveLength(2)
    expect((await stale('?domain=other')).body).toEqual([])
    expect(await stale('?domian=chatbooks')).toMatchObject({ status: 422, body: { code: 'invalid_request' } })
  })

  it('are counted up to 50,000 leases, and the answer says that it stopped there', async () => {
    await world.sql`
      insert into jobs (domain, queue, job_type, status, leased_until)
      select 'd', 'q', 't', 'processing', now() - n * interval '1 second' from generate_series(1, 49999) as n`
    await world.jobs(1, { status: 'processing', leased_until: null })
    expect((await stale()).headers).toMatchObject({ 'x-scanned': '50000', 'x-complete': 'true' })
    await world.jobs(2, { status: 'processing', leased_until: ago(60) })
    expect((await stale()).headers).toMatchObject({ 'x-scanned': '50000', 'x-complete': 'false' })
  })
})
