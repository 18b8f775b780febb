import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { kinds } from '../../support/database/database.ts'
import { ago, type Wanted } from '../../support/database/job-row.ts'
import { insertRows } from '../../support/database/tables.ts'
import { idsOf, listPath, pageAfter, walkPages } from '../../support/list.ts'
import { openWorld, type World } from '../../support/world.ts'

const fields = [
  ...['id', 'uuid', 'domain', 'queue', 'job_type', 'status', 'priority', 'retry_count', 'max_retries', 'available_at'],
  ...['created_at', 'acquired_at', 'started_at', 'leased_until', 'completed_at'],
  ...['owner_user_id', 'batch_group', 'error_code', 'worker_id', 'updated_at', 'cancellation_reason'],
]

describe.each(kinds)('the list of jobs on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  const list = (query: string | Record<string, string> = '') =>
    world.call('GET', `${listPath}?${new URLSearchParams(query)}`)

  it('has the fields of the other server in its order, then those of this server, and no secret', async () => {
    await world.jobs(1, { status: 'processing', completion_token: 'secret' })
    await world.sql`update jobs set created_at = '2026-01-02 03:04:05.123456+00'`
    const { status, body, headers } = await list()
    expect(status).toBe(200)
    const [job = {}] = Array.isArray(body) ? body : []
    expect(Object.keys(job)).toEqual(fields)
    expect(job).toMatchObject({ created_at: '2026-01-02T03:04:05.123456Z', worker_id: 'worker-1' })
    expect(headers).toMatchObject({ 'x-scanned': '1', 'x-complete': 'true' })
    expect(headers.link).toBeUndefined()
    expect((await list({ domain: 'nowhere' })).body).toEqual([])
  })

  const now = new Date().toISOString()
  const later = '2999-01-01T00:00:00Z'
  const filters: [string, Wanted, string][] = [
    ['domain', { domain: 'other' }, 'domain=other'],
    ['queue', { queue: 'low' }, 'queue=low'],
    ['job_type', { job_type: 'import' }, 'job_type=import'],
    ['one status', { status: 'failed' }, 'status=Failed'],
    ['several states', { status: 'quarantined' }, 'status=failed,quarantined'],
    ['the owner', { owner_user_id: 'o' }, 'owner_user_id=o'],
    ['the batch', { batch_group: 'b' }, 'batch_group=b'],
    ['the key', { idempotency_key: 'k' }, 'idempotency_key=k'],
    ['the worker', { worker_id: 'w' }, 'worker_id=w'],
    ['the error code', { error_code: 'e' }, 'error_code=e'],
    ['a part of the error', { error_message: 'Disk is 100% FULL' }, `error=${encodeURIComponent('100% full')}`],
    ['a part of the last error', { last_error: 'Disk is full' }, 'error=disk'],
    ['the least creation', { created_at: now }, `created_after=${now}`],
    [
      'the creation before a time',
      { created_at: '2001-01-01T00:00:00Z' },
      'created_before=2001-01-01T00:00:00.000001Z',
    ],
    ['the least end', { completed_at: null, cancelled_at: later }, `ended_after=${later}`],
    ['the end before a time', { completed_at: '2001-01-01T00:00:00Z' }, 'ended_before=2001-01-01T00:00:00.000001Z'],
    ['the number of retries', { retry_count: 3 }, 'min_retries=3'],
    ['an expired lease', { status: 'processing', leased_until: ago(60) }, 'stale=true'],
    ['a lease without an end', { status: 'processing', leased_until: null }, 'stale=true'],
    ['a value of the payload', { payload: { a: { b: [7] } } }, 'payload.a.b.0=7'],
  ]
  it.each(filters)('is narrowed by %s', async (_name, wanted, query) => {
    await world.jobs(2)
    await world.jobs(1, { status: 'processing' })
    const [id] = await world.jobs(1, wanted)
    expect(idsOf(await list(query))).toEqual([id])
    const other = query.startsWith('job_type') ? 'domain' : 'job_type'
    expect(idsOf(await list(`${query}&${other}=nothing`))).toEqual([])
  })

  it('is narrowed by ids, and by leases that have not expired', async () => {
    const [one, two] = await world.jobs(3)
    const [running] = await world.jobs(1, { status: 'processing', leased_until: ago(60) })
    expect(idsOf(await list(`ids=${two},${one},999999`)).toSorted()).toEqual([one, two])
    expect(idsOf(await list('stale=false'))).not.toContain(running)
    expect(idsOf(await list('stale=false'))).toHaveLength(3)
  })

  it.each([
    ['sort_by=owner', 'sort_by'],
    ['sort_order=up', 'sort_order'],
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['status=done', 'status'],
    ['status=failed,', 'status'],
    ['stale=perhaps', 'stale'],
    ['min_retries=-1', 'min_retries'],
    ['ids=1,x', 'ids'],
    ['created_after=yesterday', 'created_after'],
    ['created_after=0000-01-01T00:00:00Z', 'created_after'],
    ['payload=1', 'payload'],
    ['payload.=1', 'payload'],
    ['payload.a..b=1', 'payload'],
    ['owner=o', 'owner'],
    ['cursor=abc', 'cursor'],
    [`cursor=${'A'.repeat(5000)}`, 'cursor'],
  ])('refuses %s', async (query, path) => {
    const { status, body } = await list(query)
    expect({ status, body }).toMatchObject({ status: 422, body: { code: 'invalid_request' } })
    expect(JSON.stringify(body)).toContain(`"path":"${path}`)
  })

  it('refuses the cursor of another list, and a cursor that was cut off', async () => {
    await world.jobs(3)
    const cursor = pageAfter(await list('limit=1'), 'next')?.get('cursor') ?? ''
    expect((await list(`limit=2&cursor=${cursor}`)).status).toBe(200)
    for (const query of [
      `cursor=${cursor}&domain=chatbooks`,
      `cursor=${cursor}&sort_order=asc`,
      `cursor=${cursor.slice(0, -4)}`,
    ])
      expect(await list(query)).toMatchObject({ status: 422, body: { code: 'invalid_request' } })
  })

  it('refuses a cursor that a stranger has made, whose checksum is right', async () => {
    await world.jobs(3)
    const at = (key: string) => JSON.stringify({ to: 'next', place: { key, id: '1', included: false } })
    for (const [sort, text] of [
      ...['x', '{', '', 'null', '{"to":"next","place":1}'].map((text) => ['created_at', text] as const),
      ...['', 'x', 'NaN', '9999999-01-01', '\ud800'].map((key) => ['created_at', at(key)] as const),
      ...['', 'x', '1.5', '99999999999'].map((key) => ['priority', at(key)] as const),
    ]) {
      const named = JSON.stringify([
        ['sort_by', sort],
        ['sort_order', 'desc'],
      ])
      const sum = createHash('sha256').update(`${named}\n${text}`).digest('hex').slice(0, 16)
      const cursor = Buffer.from(`${sum}${text}`).toString('base64url')
      expect({ text, ...(await list(`sort_by=${sort}&cursor=${cursor}`)) }).toMatchObject({ text, status: 422 })
    }
  })

  const sorts = ['created_at', 'priority', 'status', 'completed_at', 'ended_at']
  it.each(sorts.flatMap((key) => [`${key} asc`, `${key} desc`]))(
    'comes in pages both ways by %s, jobs without the key last, by their creation',
    async (sort) => {
      const [sort_by = '', sort_order = ''] = sort.split(' ')
      const times = [null, '2026-01-01T00:00:00.000001Z', '2026-01-01T00:00:00.000002Z', '2026-01-01T00:00:00.000002Z']
      const states = ['queued', 'completed', 'cancelled', 'quarantined']
      await insertRows(
        world.sql,
        times.flatMap((time, n) =>
          states.map((status, m) => ({
            ...{ domain: 'd', queue: 'q', job_type: 't', status, created_at: time },
            priority: n === 0 ? null : 1 + ((n + m) % 3),
            completed_at: status === 'completed' ? time : null,
            cancelled_at: status === 'cancelled' ? time : null,
            quarantined_at: status === 'quarantined' ? time : null,
          })),
        ),
      )
      const key = sort_by === 'ended_at' ? 'coalesce(completed_at, cancelled_at, quarantined_at)' : sort_by
      const lacking = ['ended_at', 'completed_at'].includes(sort_by)
        ? `case when ${key} is null then created_at end ${sort_order} nulls last,`
        : ''
      const rows = await world.sql.unsafe<{ id: number }[]>(
        `select id from jobs order by ${key} ${sort_by === 'status' ? 'collate "C"' : ''} ${sort_order} nulls last, ${lacking} id ${sort_order}`,
      )
      const expected = rows.map(({ id }) => Number(id))
      expect(idsOf(await list({ sort_by, sort_order }))).toEqual(expected)
      const pages = await walkPages(world, `sort_by=${sort_by}&sort_order=${sort_order}&limit=3`)
      expect(pages.forward.flat()).toEqual(expected)
      expect(pages.backward.toReversed().flat()).toEqual(expected.slice(0, -1))
    },
  )
})
