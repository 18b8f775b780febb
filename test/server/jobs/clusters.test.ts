import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { failureClusters } from '../../../shared/endpoints.ts'
import { kinds } from '../../support/database/database.ts'
import { ago, type Wanted } from '../../support/database/job-row.ts'
import { idsOf, listPath } from '../../support/list.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

const path = failureClusters.path

/** Messages, and their patterns by the rules of version 1. A change of one of them needs another version. */
const patterns: [message: string, pattern: string][] = [
  ['timeout', 'timeout'],
  ['  timeout after 30 s\n', 'timeout after # s'],
  ['took 1,234.5 ms at 12:30:45 on 2026-01-31', 'took # ms at # on #-#-#'],
  ['HTTP 503 from 10.0.0.17:8080', 'HTTP # from #'],
  ['job 3f2504e0-4f89-11d3-9a0c-0305e82c3301 is gone', 'job # is gone'],
  ['JOB 3F2504E0-4F89-11D3-9A0C-0305E82C3301 IS GONE', 'JOB # IS GONE'],
  [
    'bad pointer 0x7ffe01ab, commit 3fa9c0b and sha 9e107d9d372bb6826bd81d3542a419d6',
    'bad pointer #, commit # and sha #',
  ],
  ['column "user name" of `t` is \'x\'', 'column <text> of <text> is <text>'],
  ["can't open it, won't try", "can't open it, won't try"],
  ['GET https://a.example/b?c=1#d failed', 'GET <address> failed'],
  ['mail to Jane.Doe+7@mail.example bounced', 'mail to <address> bounced'],
  ['no route to fe80::1ff:fe23:4567:890a', 'no route to <address>'],
  ['open /var/lib/app/7/data.json: denied', 'open <path> denied'],
  ['in src/jobs/export.ts and ./a/b.c or C:\\Temp\\x.log', 'in <path> and <path> or <path>'],
  ['read and/or write', 'read and/or write'],
  ['worker pod-17b3 at db-3.internal', 'worker pod-#b# at db-#.internal'],
  ['no such charge: ch_3MtwBwLkdIwHu7ix28a3tqPa, req_9e107d9d372bb682', 'no such charge: ch_#, req_#'],
  ['key sk_live_4eC39HqLyjWDarjtT1zdp7dc of order_id of abc_defghijk', 'key sk_live_# of order_id of abc_defghijk'],
  ['session 4f8KpQ2LmZx9Rt7Vb3 of getUserByIdentifier', 'session # of getUserByIdentifier'],
  ['Überlauf in Zeile 7', 'Überlauf in Zeile #'],
  ['', ''],
]

describe.each(kinds)('clusters of failures on %s', (kind) => {
  let world: World
  beforeAll(async () => {
    world = await openWorld(kind)
  })
  afterAll(() => world?.stop())
  beforeEach(() => world.clear())

  const ask = async (query = '') => {
    const { status, body, headers } = await world.call('GET', `${path}${query}`)
    expect({ status, body }).toMatchObject({ status: 200 })
    return { ...failureClusters.output.parse(body), headers }
  }
  const failed = (error_message: string | null, wanted: Wanted = {}) =>
    world.jobs(1, { status: 'failed', error_message, ...wanted })

  it('have patterns in which texts, addresses, paths and numbers are folded', async () => {
    for (const [n, [message]] of patterns.entries()) await failed(message, { error_code: `c${n}` })
    const { clusters, headers } = await ask()
    const found = new Map(clusters.map(({ error_code, pattern }) => [error_code, pattern]))
    expect(patterns.map(([message], n) => [message, found.get(`c${n}`)])).toEqual(patterns)
    expect(headers).toMatchObject({ 'x-scanned': String(patterns.length), 'x-complete': 'true' })
  })

  it('have ids of state, code and pattern, by the version of the rules', async () => {
    await failed('timeout after 7 s', { error_code: 'T' })
    const [cluster] = (await ask()).clusters
    const hash = createHash('sha256').update(['failed', 'T', 'timeout after # s'].join('\u001f')).digest('hex')
    expect(cluster?.cluster).toBe(`v2-${hash.slice(0, 12)}`)
  })

  it('tell how many jobs, where, whose, since when, how fast, and samples', async () => {
    const old = '2026-01-01T00:00:00Z'
    const [first] = await failed('disk 1 is full', { completed_at: old, queue: 'low', owner_user_id: 'o' })
    await world.jobs(4, { status: 'failed', error_message: 'disk 2 is full', completed_at: ago(60) })
    const [last] = await failed('disk 2 is full', { completed_at: ago(30), owner_user_id: 'o' })
    await failed('disk 3 is full', { error_code: 'other' })
    await world.jobs(1, { status: 'completed' })
    const { clusters, headers } = await ask()
    expect(Object.keys(clusters[0] ?? {})).toEqual([
      ...['cluster', 'status', 'error_code', 'pattern', 'count', 'groups', 'owners', 'first_seen', 'last_seen'],
      ...['per_minute', 'sample_ids', 'domains', 'domain_count', 'queue_count', 'group_count', 'owner_count'],
      'at_least',
    ])
    expect(clusters).toMatchObject([
      {
        ...{ status: 'failed', error_code: 'timeout', pattern: 'disk # is full', count: 6, first_seen: old },
        groups: [
          { domain: 'chatbooks', queue: 'default', job_type: 'export', count: 5 },
          { domain: 'chatbooks', queue: 'low', job_type: 'export', count: 1 },
        ],
        owners: [
          { owner_user_id: null, count: 4 },
          { owner_user_id: 'o', count: 2 },
        ],
        per_minute: 1,
      },
      { error_code: 'other', count: 1, per_minute: 0 },
    ])
    expect(clusters[0]?.sample_ids).toHaveLength(3)
    expect(clusters[0]?.sample_ids).toContain(last)
    expect(clusters[0]?.sample_ids).not.toContain(first)
    expect(headers['x-complete']).toBe('true')
  })

  it('have the ten largest domains, groups and owners, and how many of each there are in all', async () => {
    await world.sql`
      insert into jobs (domain, queue, job_type, owner_user_id, status, error_message, completed_at)
      select
        'd' || n % 12, 'q' || n % 5, 't' || n % 3, case when n % 4 > 0 then 'o' || n % 40 end, 'failed', 'disk ' || n || ' is full', now()
      from generate_series(1, 121) as n`
    const exact = await world.sql`
      select
        count(distinct domain) as domain_count, count(distinct (domain, queue)) as queue_count,
        count(distinct (domain, queue, job_type)) as group_count, count(distinct owner_user_id) as owner_count
      from jobs`
    const { clusters } = await ask()
    expect(clusters).toMatchObject([{ count: 121, ...exact[0] }])
    const [{ domains = [], groups, owners } = { groups: [], owners: [] }] = clusters
    expect([domains.length, groups.length, owners.length]).toEqual([10, 10, 10])
    expect(domains[0]).toEqual({ domain: 'd1', count: 11 })
    expect(owners[0]).toEqual({ owner_user_id: null, count: 30 })
    const { clusters: rest } = await ask('?domain=d1')
    expect(rest).toMatchObject([{ count: 11, domains: [{ domain: 'd1', count: 11 }], domain_count: 1, queue_count: 5 }])
  })

  it('are of three states, each with its own message', async () => {
    await failed('a', { last_error: 'b' })
    await world.jobs(1, { status: 'quarantined', error_message: null, last_error: 'c' })
    await world.jobs(1, { status: 'queued', retry_count: 1, error_message: 'd', last_error: 'e', error_code: 'x' })
    await world.jobs(1, { status: 'queued', retry_count: 0, last_error: 'f' })
    const states = async (query: string) =>
      (await ask(query)).clusters.map(({ status, error_code, pattern }) => [status, error_code, pattern]).sort()
    const all = [
      ['failed', 'timeout', 'a'],
      ['quarantined', 'timeout', 'c'],
      ['retrying', 'x', 'e'],
    ]
    expect(await states('')).toEqual(all)
    for (const row of all) expect(await states(`?status=${row[0]?.toUpperCase()}`)).toEqual([row])
    const answer = await world.call('GET', '/api/v1/jobs/quarantine/clusters?status=quarantined')
    expect(failureClusters.output.parse(answer.body).clusters).toHaveLength(1)
  })

  it('are narrowed by scope and time', async () => {
    await failed('a', { completed_at: '2026-01-01T00:00:00Z' })
    await failed('a', { completed_at: '2026-01-02T00:00:00Z', domain: 'media' })
    const count = async (query: string) => (await ask(query)).clusters.reduce((sum, { count }) => sum + count, 0)
    expect(await count('')).toBe(2)
    expect(await count('?domain=media')).toBe(1)
    expect(await count('?queue=none')).toBe(0)
    expect(await count('?since=2026-01-02T00:00:00Z')).toBe(1)
    expect(await count('?until=2026-01-02T00:00:00Z')).toBe(1)
    for (const query of ['status=queued', 'since=yesterday', 'limit=0', 'limit=1001', 'cluster=v2-000000000000'])
      expect((await world.call('GET', `${path}?${query}`)).status, query).toBe(422)
  })

  it('leave what is in no other row to the row rest: beyond the limit, and the oldest of too many texts', async () => {
    await world.sql`
      insert into jobs (domain, queue, job_type, status, error_code, error_message, completed_at)
      select 'd', 'q', 't', 'failed', 'c' || n % 3, 'text ' || md5(n::text) || 'q', now() - n * interval '1 second'
      from generate_series(1, 20010) as n`
    const { clusters, headers } = await ask()
    expect(headers).toMatchObject({ 'x-scanned': '20010', 'x-complete': 'false' })
    // More jobs of each cluster may be among the messages that were not folded.
    expect(clusters.map(({ at_least }) => at_least)).toEqual(clusters.map(({ cluster }) => cluster !== 'rest'))
    expect(clusters.at(-1)).toMatchObject({
      ...{
        cluster: 'rest',
        status: null,
        error_code: null,
        pattern: null,
        count: 20010 - sumOf(clusters.slice(0, -1)),
      },
      groups: [{ domain: 'd', queue: 'q', job_type: 't' }],
    })
    const { clusters: two } = await ask('?limit=1')
    expect(two.map(({ cluster }) => cluster === 'rest')).toEqual([false, true])
    expect(sumOf(two)).toBe(20010)
  })

  it('count expired leases by worker and job type', async () => {
    await world.jobs(2, { status: 'processing', leased_until: '2026-01-01T00:00:00Z', worker_id: 'pod-1' })
    await world.jobs(1, { status: 'processing', leased_until: null, worker_id: null, job_type: 'import' })
    await world.jobs(1, { status: 'processing' })
    expect((await ask()).expired_leases).toEqual([
      { worker_id: 'pod-1', job_type: 'export', count: 2, oldest: '2026-01-01T00:00:00Z' },
      { worker_id: null, job_type: 'import', count: 1, oldest: null },
    ])
    expect((await ask('?domain=other')).expired_leases).toEqual([])
  })

  it('mask secrets, and take rows as other programs leave them', async () => {
    await failed('login failed: password=hunter2hunter')
    await failed('"'.repeat(100_001), { error_code: 'long', owner_user_id: '\u001b[31m' })
    await failed(null, { error_code: null, completed_at: null, created_at: null })
    await failed('x', { error_code: 'end', completed_at: 'infinity' })
    await world.sql`
      insert into jobs (id, domain, queue, job_type, status, error_code, retry_count, updated_at)
      values (${'9007199254740993'}::text::bigint, '', E'\\x01', 't', 'queued', 'far', 3, null)`
    const { clusters } = await ask()
    expect(JSON.stringify(clusters)).not.toContain('hunter')
    const of = (code: string | null) => clusters.find(({ error_code }) => error_code === code)
    expect(of('far')).toMatchObject({ pattern: '', first_seen: null, sample_ids: [] })
    expect(of('end')).toMatchObject({ first_seen: null, last_seen: null, per_minute: 0 })
    expect(of('long')?.pattern?.length).toBeLessThan(5000)
    expect(of(null)).toMatchObject({ pattern: '', count: 1 })
  })

  it('are a filter of the list and of changes, by the same rules', async () => {
    const ids = [...(await failed('disk 1 is full')), ...(await failed('disk 22 is full'))]
    const others = [...(await failed('disk is full')), ...(await failed('disk 1 is full', { error_code: 'x' }))]
    await world.jobs(1, { status: 'completed' })
    const [largest] = (await ask()).clusters
    const listed = async (query: string) => idsOf(await world.call('GET', `${listPath}?${query}`)).toSorted()
    expect(await listed(`cluster=${largest?.cluster}`)).toEqual(ids)
    expect(await listed(`cluster=${largest?.cluster}&sort_by=priority&queue=default`)).toEqual(ids)
    expect(await listed('cluster=v2-000000000000')).toEqual([])
    const retry = (cluster: unknown) => world.confirm('/api/v1/jobs/batch/retry', { cluster })
    expect(await retry(largest?.cluster)).toMatchObject({ status: 200, body: { affected: 2 } })
    const still = (await world.rows()).filter(({ status }) => status === 'failed').map(({ id }) => id)
    expect(still).toEqual(others)
  })

  it('narrow a requeue and a prune, too, whose previews are bound to the cluster', async () => {
    const [wanted] = await world.jobs(1, { status: 'quarantined', error_message: 'disk 1 is full' })
    await world.jobs(1, { status: 'quarantined', error_message: 'timeout' })
    const ids = (await ask('?status=quarantined')).clusters
    const [one, other] = ['disk # is full', 'timeout'].map(
      (pattern) => ids.find((row) => row.pattern === pattern)?.cluster,
    )
    const scope = { domain: 'chatbooks' }
    const dry = await world.post(paths.requeue, { ...scope, cluster: one, dry_run: true })
    expect(dry).toMatchObject({ status: 200, body: { affected: 1 } })
    const preview_token = Object(dry.body).preview.token
    for (const cluster of [undefined, other])
      expect(await world.confirm(paths.requeue, { ...scope, cluster, preview_token })).toMatchObject({ status: 409 })
    expect(await world.confirm(paths.requeue, { ...scope, cluster: one, preview_token })).toMatchObject({
      body: { affected: 1 },
    })
    expect((await world.rows()).filter(({ status }) => status === 'queued').map(({ id }) => id)).toEqual([wanted])
    await failed('disk 2 is full')
    const [first] = (await ask('?status=failed')).clusters
    const old = { ...scope, older_than_days: 1 }
    expect(await world.confirm(paths.prune, { ...old, cluster: other })).toMatchObject({ body: { deleted: 0 } })
    expect(await world.confirm(paths.prune, { ...old, cluster: first?.cluster })).toMatchObject({
      body: { deleted: 1 },
    })
  })

  it('of other rules are refused as a filter, and nothing is changed', async () => {
    const [id] = await failed('a')
    const conflict = { status: 409, body: { code: 'conflict', hint: expect.stringContaining('/jobs/clusters') } }
    expect(await world.call('GET', `${listPath}?cluster=v3-0123456789ab`)).toMatchObject(conflict)
    for (const path of ['/api/v1/jobs/batch/retry', paths.prune])
      expect(await world.confirm(path, { domain: 'chatbooks', cluster: 'v3-0123456789ab' })).toMatchObject(conflict)
    expect((await world.rows()).map((row) => [row.id, row.status])).toEqual([[id, 'failed']])
    expect((await world.sql`select from job_operations`).count).toBe(0)
    for (const cluster of ['c3f9', 'rest', 'v1-xyz', 'v1-0123456789abc'])
      expect((await world.call('GET', `${listPath}?cluster=${cluster}`)).status).toBe(422)
  })
})

const sumOf = (clusters: readonly { count: number }[]) => clusters.reduce((sum, { count }) => sum + count, 0)
