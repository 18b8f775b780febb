import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kinds } from '../../support/database/database.ts'
import { ago } from '../../support/database/job-row.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

const none = { queued: 0, scheduled: 0, processing: 0, quarantined: 0 }
const group = { domain: 'chatbooks', queue: 'default', job_type: 'export' }

describe.each(kinds)('stats on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  const stats = async (query = '') => (await world.call('GET', `${paths.stats}${query}`)).body

  it('is an empty list when there are no jobs', async () => {
    expect(await stats()).toEqual([])
  })

  it('counts queued, scheduled, processing and quarantined jobs, and no finished ones', async () => {
    await world.jobs(1, { status: 'queued', available_at: null })
    await world.jobs(2, { status: 'queued', available_at: ago(1) })
    await world.jobs(4, { status: 'queued', available_at: ago(-60) })
    await world.jobs(5, { status: 'processing' })
    await world.jobs(6, { status: 'quarantined' })
    for (const status of ['completed', 'failed', 'cancelled']) await world.jobs(7, { status })

    expect(await stats()).toEqual([{ ...group, queued: 3, scheduled: 4, processing: 5, quarantined: 6 }])
  })

  it('turns a scheduled job into a queued one by the clock alone', async () => {
    const scheduled = [{ ...group, ...none, scheduled: 1 }]
    let [seconds, first] = [1, await statsOfJobDueIn(1)]
    // On a busy machine the job is due before stats is asked.
    while (!isDeepStrictEqual(first, scheduled) && seconds < 16) {
      seconds *= 2
      first = await statsOfJobDueIn(seconds)
    }
    expect(first).toEqual(scheduled)
    await expect.poll(() => stats()).toEqual([{ ...group, ...none, queued: 1 }])
  })

  async function statsOfJobDueIn(seconds: number) {
    await world.clear()
    await world.jobs(1, { status: 'queued', available_at: ago(-seconds) })
    return stats()
  }

  it('still lists a group whose jobs are all finished, with zeros', async () => {
    await world.jobs(2, { status: 'completed' })
    expect(await stats()).toEqual([{ ...group, ...none }])
  })

  it('sorts by domain, queue and job type, by code point', async () => {
    const names = ['b', 'B', 'a', 'ä', 'z', '_', '\u{1F4DA}', '\uFFFD', 'a b', 'ab']
    for (const domain of names) await world.jobs(1, { domain })
    await world.jobs(1, { domain: 'a', queue: 'Z' })
    await world.jobs(1, { domain: 'a', job_type: 'Z' })

    const listed = await stats()

    expect(Array.isArray(listed) && listed.map((row) => [row.domain, row.queue, row.job_type].join('/'))).toEqual([
      ...['B/default/export', '_/default/export', 'a/Z/export', 'a/default/Z', 'a/default/export'],
      ...['a b', 'ab', 'b', 'z', 'ä', '\uFFFD', '\u{1F4DA}'].map((domain) => `${domain}/default/export`),
    ])
  })

  it('filters by domain, queue and job type, exactly', async () => {
    await world.jobs(1, { status: 'queued' })
    await world.jobs(1, { status: 'queued', queue: 'low' })
    await world.jobs(1, { status: 'queued', job_type: 'import' })
    await world.jobs(1, { status: 'queued', domain: 'Chatbooks' })
    const one = { ...group, ...none, queued: 1 }

    expect(await stats('?domain=Chatbooks')).toEqual([{ ...one, domain: 'Chatbooks' }])
    expect(await stats('?queue=low')).toEqual([{ ...one, queue: 'low' }])
    expect(await stats('?job_type=import')).toEqual([{ ...one, job_type: 'import' }])
    expect(await stats('?domain=chatbooks&queue=default&job_type=export')).toEqual([one])
    expect(await stats('?domain=nobody')).toEqual([])
    expect(await stats('?domain=%25')).toEqual([])
  })

  it('trims a filter, and takes a blank one as absent', async () => {
    await world.jobs(1, { status: 'queued' })
    expect(await stats('?domain=%20chatbooks%09&queue=&job_type=+')).toEqual([{ ...group, ...none, queued: 1 }])
  })

  it('does not believe the counters that another program keeps', async () => {
    await world.jobs(1, { status: 'queued' })
    await world.sql`
      insert into job_counters (domain, queue, job_type, ready_count) values ('chatbooks', 'default', 'export', 99)
      on conflict do nothing`
    expect(await stats()).toEqual([{ ...group, ...none, queued: 1 }])
  })

  it('names each filter that is wrong, and any that it does not know', async () => {
    const long = 'x'.repeat(129)
    const answer = await world.call('GET', `${paths.stats}?domain=${long}&queue=a%01b&status=queued`)
    expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_request' } })
    expect(
      Reflect.get(Object(answer.body), 'errors')
        .map(({ path }: { path: string }) => path)
        .sort(),
    ).toEqual(['domain', 'queue', 'status'])
    expect((await world.call('GET', `${paths.stats}?domain=${'x'.repeat(128)}`)).status).toBe(200)
  })
})
