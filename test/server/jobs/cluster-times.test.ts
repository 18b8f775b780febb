import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { clusterTimes, failureClusters } from '../../../shared/endpoints.ts'
import { bearer, makeScoped } from '../../support/access/tokens.ts'
import { kinds } from '../../support/database/database.ts'
import { call } from '../../support/http.ts'
import { openWorld, type World } from '../../support/world.ts'

describe.each(kinds)('the times of failure clusters on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  /** Fails jobs so many minutes ago, each with a number of its own in the message. */
  const fail = async (minutes: number, jobs: number, message: string, domain = 'mail') => {
    const ids = await world.jobs(jobs, { status: 'failed', error_message: message, domain })
    await world.sql`
      update jobs set completed_at = now() - ${minutes}::int * interval '1 minute', error_message = error_message || ' ' || id
      where id = any(${ids}::bigint[])`
  }
  const clusters = async () => {
    const { body } = await world.call('GET', failureClusters.path)
    return failureClusters.output.parse(body).clusters
  }
  const idOf = async (pattern: string) => (await clusters()).find((one) => one.pattern === pattern)?.cluster ?? ''
  const ago = (minutes: number) => new Date(Date.now() - 60_000 * minutes).toISOString()
  const ask = (query: Record<string, string>, headers = {}) =>
    world.call('GET', `${clusterTimes.path}?${new URLSearchParams(query)}`, undefined, headers)
  const read = async (query: Record<string, string>) => {
    const { status, body } = await ask(query)
    expect({ status, body }).toMatchObject({ status: 200 })
    return clusterTimes.output.parse(body)
  }

  it('have the failures of each step, in the order of the request', async () => {
    await fail(40, 3, 'no route to host')
    await fail(2, 4, 'no route to host')
    await fail(2, 1, 'disk full')
    const [route, disk] = [await idOf('no route to host #'), await idOf('disk full #')]
    const times = await read({ clusters: `${disk},${route},v2-0123456789ab`, since: ago(50) })
    expect(times.step_seconds).toBe(60)
    expect(times.clusters.map(({ cluster }) => cluster)).toEqual([disk, route, 'v2-0123456789ab'])
    const at = (minutes: number) => Math.floor((Date.now() - 60_000 * minutes - Date.parse(times.from)) / 60_000)
    const placesOf = (nth: number) =>
      (times.clusters[nth]?.failed ?? []).flatMap((jobs, place) => (jobs > 0 ? [[place, jobs]] : []))
    expect(placesOf(0).map(([, jobs]) => jobs)).toEqual([1])
    expect(placesOf(1).map(([, jobs]) => jobs)).toEqual([3, 4])
    // The clock may go on to the next minute while the test reads.
    expect([at(40), at(40) - 1]).toContain(placesOf(1)[0]?.[0])
    expect(placesOf(2)).toEqual([])
    expect([51, 52]).toContain(times.clusters[1]?.failed.length)
  })

  it('agree with the number of jobs of the cluster', async () => {
    await fail(600, 5, 'no route to host')
    await fail(1, 6, 'no route to host')
    const times = await read({ clusters: await idOf('no route to host #') })
    expect(times.clusters[0]?.failed.reduce((sum, jobs) => sum + jobs, 0)).toBe(11)
    expect(times.step_seconds).toBe(24 * 60)
  })

  it('are those of the scope of a token and of the request', async () => {
    await fail(1, 2, 'no route to host')
    await fail(1, 3, 'no route to host', 'secret')
    const cluster = await idOf('no route to host #')
    const sum = (body: unknown) =>
      clusterTimes.output.parse(body).clusters[0]?.failed.reduce((all, jobs) => all + jobs, 0)
    expect(sum((await ask({ clusters: cluster, domain: 'secret' })).body)).toBe(3)
    const token = await makeScoped(world.sql, 'viewer', { domains: ['mail'] })
    const path = `${clusterTimes.path}?${new URLSearchParams({ clusters: cluster })}`
    const scoped = await call({ url: world.url, method: 'GET', path, headers: bearer(token) })
    // A server in single-user mode knows no tokens.
    if (scoped.status === 200) expect(sum(scoped.body)).toBe(2)
    else expect(scoped.status).toBe(401)
  })

  it('refuse what names no cluster, and clusters of other rules', async () => {
    for (const clusters of ['', 'x', 'rest', Array(51).fill('v2-0123456789ab').join()])
      expect((await ask({ clusters })).status).toBe(422)
    expect((await ask({ clusters: 'v1-0123456789ab' })).status).toBe(409)
  })
})
