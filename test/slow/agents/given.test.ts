import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AgentClient, agentsOn, overHttp, overStdio } from '../../support/access/agent-client.ts'
import { bearer, makeToken } from '../../support/access/tokens.ts'
import { hostileRows, marked, orders } from '../../support/hostile/hostile-rows.ts'
import { everyRead } from '../../support/replay/reads.ts'
import { openWorld, type World } from '../../support/world.ts'

/** Calls of every tool that answer. */
const uses: [tool: string, args: Record<string, unknown>][] = [
  ['overview', {}],
  ['list_jobs', { domain: 'mail' }],
  ['list_jobs', { status: ['failed', 'quarantined'], errors: true }],
  ...[1, 2, 3, 4, 5, 6, 900].map((id): [string, Record<string, unknown>] => ['show_job', { id: String(id) }]),
  ...[1, 2, 4, 6].map((id): [string, Record<string, unknown>] => ['explain_job', { id: String(id) }]),
  ['explain_queue', { domain: 'mail', queue: 'high' }],
  ['failure_clusters', {}],
  ['history', {}],
  ['events', {}],
  ['workers', {}],
  ['operations', {}],
  ['preview_change', { kind: 'retry', filter: { domain: 'mail' } }],
  ['preview_change', { kind: 'prune', filter: { domain: 'mail', older_than_days: 1 } }],
  ['plan_status', { id: '1' }],
]

describe('what agents are given', () => {
  let world: World
  let mender: string
  let person: Record<string, string>
  let doors: Record<'http' | 'stdio', AgentClient>
  beforeAll(async () => {
    world = await openWorld('postgres', { AUTH_MODE: 'multi_user' })
    await agentsOn(world)
    mender = await makeToken(world.sql, 'mender', 'agent')
    const operator = await makeToken(world.sql, `${marked} operator`, 'operator')
    person = { ...bearer(operator), 'x-reason': marked }
    await world.sql.unsafe(hostileRows)
    const jobs = '/api/v1/jobs'
    const changed = [
      await world.confirm(
        `${jobs}/batch/priority`,
        { domain: 'mail', priority: 3, owner_user_id: `${marked}@example.test` },
        person,
      ),
      await world.post(
        `${jobs}/queue/control`,
        { domain: 'mail', queue: 'high', action: 'pause', reason: marked },
        person,
      ),
      await world.post(`${jobs}/marks`, { text: `deploy 1.2\u200b; ${orders[0]}` }, person),
      await world.post(
        `${jobs}/plans`,
        { path: `${jobs}/retry-now`, request: { domain: 'mail', owner_user_id: `${marked}@example.test` } },
        person,
      ),
    ]
    expect(changed.map(({ status }) => status)).toEqual([200, 200, 201, 201])
    doors = { http: await overHttp(world, mender), stdio: await overStdio(world, operator) }
  })
  afterAll(async () => {
    await Promise.all(Object.values(doors ?? {}).map(({ close }) => close()))
    await world?.stop()
  })

  it.each(['http', 'stdio'] as const)('has no marked name, and no order in a sentence, over %s', async (door) => {
    const { use, client } = doors[door]
    const { tools } = await client.listTools()
    expect([...new Set(uses.map(([tool]) => tool)), 'propose_change'].sort()).toEqual(
      tools.map(({ name }) => name).sort(),
    )
    for (const [tool, args] of uses) {
      const text = JSON.stringify(await use(tool, args))
      expect({ tool, args, found: text.includes(marked) }).toEqual({ tool, args, found: false })
      // What strangers have written is a whole value of untrusted_text, without what nobody sees.
      const trusted = text.replaceAll(/\{"untrusted_text":"(?:[^"\\]|\\.)*"\}/g, '')
      expect({ tool, orders: orders.filter((order) => trusted.includes(order)) }).toEqual({ tool, orders: [] })
      expect(text).not.toMatch(/\\u200b|\\u202e|\\u0007|[\u200b\u202e]/)
    }
  })

  it('has no marked name over HTTP either, where a person would get it', async () => {
    const found = { agent: 0, person: 0, answered: 0 }
    for (const path of new Set([...everyRead(), '/api/v1/jobs/4', '/api/v1/jobs/list?errors=true&limit=2'])) {
      const { status, headers, body } = await world.call('GET', path, undefined, bearer(mender))
      const text = JSON.stringify([headers, body])
      expect({ path, found: text.includes(marked) }).toEqual({ path, found: false })
      if (status === 200) found.answered += 1
      if (JSON.stringify((await world.call('GET', path, undefined, person)).body).includes(marked)) found.person += 1
    }
    expect(found.answered).toBeGreaterThan(30)
    expect(found.person).toBeGreaterThan(8)
  })

  it('is a pseudonym that filters take, the same in every answer, for the field that it is of alone', async () => {
    const { use, refused } = doors.http
    const [owner, worker] = Object.values(
      (await use('list_jobs', { ids: ['2'] })) as { jobs: { owner_user_id: string; worker_id: string }[] },
    ).flatMap((rows) => (Array.isArray(rows) ? rows.flatMap((row) => [row.owner_user_id, row.worker_id]) : []))
    expect(owner).toMatch(/^owner-[\w-]{11,}$/)
    expect(worker).toMatch(/^worker-[\w-]{11,}$/)
    const count = async (args: object) => {
      const { jobs } = await use('list_jobs', { ...args })
      return Array.isArray(jobs) ? jobs.length : undefined
    }
    expect(await count({ owner_user_id: owner })).toBe(6)
    expect(await count({ worker_id: worker })).toBe(6)
    expect(await count({ owner_user_id: worker })).toBe(0)
    expect(await count({ owner_user_id: `${owner}x` })).toBe(0)
    expect(JSON.stringify(await use('preview_change', { kind: 'retry', filter: { owner_user_id: owner } }))).toContain(
      '"count":1',
    )
    // The id of a queue with a sentence as its name is a pseudonym, too.
    const { jobs } = await use('list_jobs', { ids: ['6'] })
    const queue = Array.isArray(jobs) ? String(Object(jobs[0]).queue) : ''
    expect(queue).toMatch(/^queue-/)
    expect(await count({ queue })).toBe(1)
    const unknown = await refused('explain_queue', { domain: 'mail', queue: 'nothing' })
    expect(unknown).toMatchObject({ code: 'not_found' })
  })

  it('has the times, states and counts of jobs, also in the program that is shipped, which has no texts of documents', async () => {
    const { jobs } = await doors.http.use('list_jobs', { ids: ['2'] })
    expect(jobs).toMatchObject([{ id: 2, created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/), retry_count: 1 }])
    const listed = await doors.http.use('operations', {})
    expect(JSON.stringify(listed)).toMatch(/"started_at":"\d{4}/)
  })

  it('is no part of a name, and no error that names somebody', async () => {
    const { refused } = doors.http
    for (const [tool, args] of [
      ['list_jobs', { error: 'x' }],
      ['list_jobs', { 'payload.a': marked }],
      ['show_job', { id: '1', redact: false }],
      ['show_job', { id: '12345' }],
      ['show_job', {}],
      ['preview_change', { kind: 'retry', filter: { domain: 'mail', payload: [{ path: 'a', value: marked }] } }],
      ['preview_change', { kind: 'reclaim', filter: { worker_prefix: 'sesame' } }],
      ['preview_change', { kind: 'erase', filter: { domain: 'mail' } }],
      ['preview_change', { kind: 'retry', filter: {} }],
      ['propose_change', { kind: 'retry', filter: { domain: 'mail' } }],
      ['list_jobs', { limit: 1000 }],
      ['list_jobs', { cursor: 'x' }],
      ['events', { cursor: 'x' }],
      ['failure_clusters', { cursor: '-1' }],
    ] satisfies [string, Record<string, unknown>][]) {
      const { code, detail } = await refused(tool, args)
      expect({ tool, args, code }).toMatchObject({
        code: expect.stringMatching(/^(invalid_request|forbidden|not_found)$/),
      })
      expect(detail).not.toContain(marked)
    }
    const guess = { path: '/api/v1/jobs/batch/reclaim', request: { worker_prefix: 'sesame' } }
    expect((await world.post('/api/v1/jobs/plans/preview', guess, bearer(mender))).status).toBe(403)
  })

  it('comes in pages, each row once', async () => {
    const { use } = doors.stdio
    const seen: string[] = []
    let cursor: unknown
    do {
      const page: Record<string, unknown> = await use('list_jobs', {
        limit: 2,
        ...(cursor !== undefined && { cursor }),
      })
      const rows = Array.isArray(page.jobs) ? page.jobs : []
      expect(rows.length).toBeLessThanOrEqual(2)
      seen.push(...rows.map((row) => String(Object(row).id)))
      cursor = page.next_cursor
    } while (cursor !== undefined)
    expect(seen.sort()).toEqual(['1', '2', '3', '4', '5', '6'])
    const events: number[] = []
    for (let next: unknown = ''; next !== undefined; ) {
      const page: Record<string, unknown> = await use('events', { limit: 3, ...(next !== '' && { cursor: next }) })
      events.push(...(Array.isArray(page.events) ? page.events : []).map((row) => Number(Object(row).id)))
      next = page.next_cursor
    }
    const [{ count }] = await world.sql<[{ count: number }]>`select count(*)::int as count from job_events`
    expect(new Set(events).size).toBe(events.length)
    expect(events.length).toBe(count)
  })

  it('is kept: which tool, which filter, how many rows and which fields', async () => {
    await doors.http.use('list_jobs', { domain: 'mail', limit: 3 })
    const [call] =
      await world.sql`select tool, filter::jsonb as filter, rows::int as rows, fields, failed from jobsctl_agent_calls order by id desc limit 1`
    expect(call).toMatchObject({ tool: 'list_jobs', filter: { domain: 'mail', limit: 3 }, rows: 3, failed: null })
    expect(call?.fields).toEqual(expect.arrayContaining(['id', 'queue', 'owner_user_id']))
    expect(call?.fields).not.toContain('error_message')
    await doors.http.refused('show_job', { id: '12345' })
    const [refused] =
      await world.sql`select tool, rows::int as rows, failed from jobsctl_agent_calls order by id desc limit 1`
    expect(refused).toEqual({ tool: 'show_job', rows: 0, failed: 'not_found' })
  })
})
