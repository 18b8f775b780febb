import { afterAll, beforeAll, expect, it } from 'vitest'
import { on, openReading, type ReplicatedPostgres, startReplicated } from '../../../support/database/replica.ts'
import type { Answer } from '../../../support/http.ts'
import { until } from '../../../support/poll.ts'
import type { World } from '../../../support/world.ts'

let pair: ReplicatedPostgres
let world: World
beforeAll(async () => {
  pair = await startReplicated()
  world = await openReading(pair, 'reads', { JOBS_READ_LAG: '2', JOBS_METRICS: 'true' })
})
afterAll(async () => {
  await world?.stop()
  await pair?.stop()
})

const read = (path: string, headers = {}) => world.call('GET', `/api/v1/jobs${path}`, undefined, headers)
const staleOk = { 'x-stale-ok': 'true' }
const placeOf = ({ headers }: Answer) => headers['x-read-from']
const timeOf = ({ headers }: Answer) => Date.parse(headers['x-as-of'] ?? '')

/** Runs while the replica replays nothing. */
async function whilePaused(run: () => Promise<unknown>): Promise<void> {
  const { replica } = pair
  await replica`select pg_wal_replay_pause()`
  await until('it is paused', async () => {
    const [row] = await replica<{ paused: boolean }[]>`select pg_get_wal_replay_pause_state() = 'paused' as paused`
    return row?.paused
  })
  await run().finally(() => replica`select pg_wal_replay_resume()`)
}

/** The answer of the replica, which may lag for a moment on a busy machine. */
const fromReplica = (path: string, headers = {}) =>
  until(`the replica answers ${path}`, async () => {
    const answer = await world.call('GET', path, undefined, headers)
    expect([path, answer.status]).toEqual([path, 200])
    return placeOf(answer) === 'replica' ? answer : undefined
  })
const untilReplica = () => fromReplica('/api/v1/jobs/clusters')

it('reads of the past are made at the replica, others where the caller agrees, and reveals never', async () => {
  const [id = 0] = await world.jobs(3, { status: 'failed' })
  await untilReplica()
  const cluster = await until('the replica has the cluster', async () => {
    const { body } = await untilReplica()
    return (body as { clusters: { cluster: string }[] }).clusters[0]?.cluster
  })
  const at = new Date(Date.now() - 60_000).toISOString()
  const from = Date.now()
  for (const path of ['history', `clusters/times?clusters=${cluster}`, 'operations/export', `stats?at=${at}`]) {
    const time = timeOf(await fromReplica(`/api/v1/jobs/${path}`))
    expect(time).toBeLessThanOrEqual(Date.now())
    expect(time).toBeGreaterThan(from - 5000)
  }
  for (const path of ['list', `${id}?redact=true`]) {
    expect(placeOf(await read(`/${path}`))).toBeUndefined()
    await fromReplica(`/api/v1/jobs/${path}`, staleOk)
  }
  for (const path of [`/${id}`, `/${id}?redact=false`, '/stats', '/overview', '/workers', '/events', '/operations'])
    expect([path, placeOf(await read(path, staleOk))]).toEqual([path, undefined])
  const scrape = await fromReplica('/metrics/jobs')
  expect(scrape.body).toMatch(/^jobsctl_expired_leases 0$/m)
  // The history adds transitions up some seconds after they were made.
  await until('the replica has the transitions', async () => {
    const { body } = await fromReplica('/metrics/jobs')
    return /^jobsctl_transitions_total\{/m.test(String(body))
  })
  const preview = await world.post('/api/v1/jobs/prune', { dry_run: true, statuses: ['failed'] }, staleOk)
  expect([preview.status, placeOf(preview)]).toEqual([200, undefined])
})

it('no answer is older than it says, while the replica falls behind and catches up', async () => {
  const committed: { id: number; at: number }[] = []
  let isOver = false
  const writing = (async () => {
    while (!isOver) {
      const [id = 0] = await world.jobs(1, { domain: 'counted' })
      const [row] = await world.sql<{ at: string }[]>`select clock_timestamp() as at`
      committed.push({ id, at: Date.parse(row?.at ?? '') })
    }
  })()
  const places = new Map<string | undefined, number>()
  const look = async () => {
    const answer = await read('/list?domain=counted&limit=1000&sort_order=desc', staleOk)
    const ids = new Set((answer.body as { id: number }[]).map(({ id }) => id))
    const newest = committed.filter(({ at }) => at < timeOf(answer)).slice(-500)
    expect(newest.filter(({ id }) => !ids.has(id))).toEqual([])
    places.set(placeOf(answer), (places.get(placeOf(answer)) ?? 0) + 1)
    return placeOf(answer)
  }
  try {
    await until('it was read at the replica', async () => ((await look()) === 'replica' ? true : undefined))
    await whilePaused(() => until('it lags too much', async () => ((await look()) === 'primary' ? true : undefined)))
    await until('it has caught up', async () => ((await look()) === 'replica' ? true : undefined))
  } finally {
    isOver = true
    await writing
  }
  expect(places.get('replica')).toBeGreaterThan(1)
})

it('jobsctl reads at the replica where it is told to, and says of when that is', async () => {
  const [id] = await world.jobs(1)
  await untilReplica()
  const plain = await world.jobsctl(['show', String(id)])
  expect([plain.code, plain.err]).toEqual([0, ''])
  for (const argv of [
    ['show', String(id)],
    ['list', '--limit', '1'],
  ]) {
    const shown = await until('the replica answers', async () => {
      const ended = await world.jobsctl([...argv, '--stale-ok'])
      return ended.err === '' ? undefined : ended
    })
    expect([shown.code, shown.err]).toEqual([
      0,
      expect.stringMatching(/^note: read from a replica, as of \d{4}-.*Z\n$/),
    ])
  }
  // Without a server between, the variables of one are no mistake.
  const direct = await world.jobsctl(['stats', '--db', 'env:PRIMARY'], {
    env: { JOBSCTL_URL: '', PRIMARY: world.env.JOBS_DB_URL ?? '', JOBS_DB_READ_URL: world.env.JOBS_DB_READ_URL ?? '' },
  })
  expect([direct.code, direct.err]).toEqual([0, ''])
  const curl = await world.jobsctl(['list', '--stale-ok', '--curl'])
  expect(curl.out).toContain('-H "X-Stale-Ok: true"')
  expect((await world.jobsctl(['show', String(id), '--raw', '--stale-ok'])).code).toBe(2)
  await until('doctor says that it is read', async () => {
    const found: unknown = JSON.parse((await world.jobsctl(['doctor', '--json'])).out)
    return Array.isArray(found) && found.some(({ check, result }) => check === 'replica' && result === 'ok')
  })
})

it('a job that the replica does not have yet is shown by the primary', async () => {
  await untilReplica()
  await whilePaused(async () => {
    const [id] = await world.jobs(1)
    const answer = await read(`/${id}?redact=true`, staleOk)
    expect([answer.status, placeOf(answer)]).toEqual([200, 'primary'])
  })
})

it('what recovery cancels, and what loses its connection, is read at the primary', async () => {
  await world.jobs(4000, { status: 'failed', domain: 'conflict' })
  await pair.replica`alter system set max_standby_streaming_delay = 0`
  await pair.replica`select pg_reload_conf()`
  await untilReplica()
  let isOver = false
  const cleaning = (async () => {
    while (!isOver) {
      await world.sql`update jobs set error_message = error_message || '.' where domain = 'conflict' and id % 5 = 0`
      await world.sql`vacuum jobs`
      await pair.replica`
        select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'jobs-server' and random() < 0.2`
    }
  })()
  const conflicts = async () => {
    const [row] = await pair.replica<{ count: number }[]>`
      select confl_snapshot::int as count from pg_stat_database_conflicts where datname = 'reads'`
    return row?.count ?? 0
  }
  try {
    await until('recovery has cancelled a read', async () => {
      const answers = await Promise.all(
        ['/clusters', '/history', '/list?limit=1000'].map((path) => read(path, staleOk)),
      )
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
      return (await conflicts()) > 0 && answers.some((answer) => placeOf(answer) === 'primary') ? true : undefined
    })
  } finally {
    isOver = true
    await cleaning
    await pair.replica`alter system reset max_standby_streaming_delay`
    await pair.replica`select pg_reload_conf()`
  }
})

it('a server on a replica alone answers reads, refuses the rest with a sentence, and works once the replica is promoted', async () => {
  const [id] = await world.jobs(1, { domain: 'newcomer', status: 'queued' })
  const seen = await world.call('GET', '/api/v1/jobs/stats')
  const alone = { JOBS_DB_URL: on(pair.replicaUrl, 'reads'), JOBS_DB_READ_URL: '', JOBS_READ_LAG: '5' }
  const { JOBS_DB_READ_URL: _, ...env } = { ...world.env, ...alone }
  const { startServer } = await import('../../../support/programs/built.ts')
  const { call } = await import('../../../support/http.ts')
  const server = await startServer(env)
  const ask = (method: string, path: string, body?: unknown) =>
    call({ url: server.url, method, path, body, headers: { 'x-api-key': world.key, 'x-confirm': 'true' } })
  const stats = await until('reads are answered', async () => {
    const [answer, job] = [await ask('GET', '/api/v1/jobs/stats'), await ask('GET', `/api/v1/jobs/${id}`)]
    return answer.status === 200 && job.status === 200 ? answer : undefined
  })
  expect(stats.body).toEqual(seen.body)
  expect(placeOf(stats)).toBe('replica')
  for (const path of [
    'list',
    `${id}`,
    'clusters',
    'history',
    'overview',
    'workers',
    'operations',
    'plans',
    'policy',
    'queues',
    'storage',
  ]) {
    const answer = await ask('GET', `/api/v1/jobs/${path}`)
    expect([path, answer.status, placeOf(answer)]).toEqual([path, 200, 'replica'])
    const { as_of } = answer.body as { as_of?: string }
    if (as_of) expect(Date.parse(as_of)).toBeLessThanOrEqual(timeOf(answer))
  }
  const job = { domain: 'chatbooks', queue: 'default', job_type: 'export', payload: {} }
  const refused = [
    ['POST', '/api/v1/jobs', job],
    ['POST', '/api/v1/jobs/acquire', { domain: 'chatbooks', queue: 'default', worker_id: 'one' }],
    ['POST', '/api/v1/jobs/prune', { dry_run: true }],
    ['POST', '/api/v1/jobs/prune', {}],
    ['GET', '/api/v1/jobs/events'],
    ['GET', '/api/v1/jobs/stats/stream'],
  ] as const
  for (const [method, path, body] of refused) {
    const answer = await ask(method, path, body)
    expect([path, answer.status]).toEqual([path, 503])
    expect(answer.body).toMatchObject({
      code: 'database_unavailable',
      detail: expect.stringMatching(/^the database of this server is a replica/),
    })
  }
  // A group that no scrape has seen before: the list of the groups cannot be written there.
  expect(await ask('GET', '/metrics/jobs')).toMatchObject({
    status: 200,
    headers: { 'x-read-from': 'replica', 'x-as-of': expect.stringMatching(/^\d{4}-.*Z$/) },
    body: expect.stringContaining('jobsctl_jobs{domain="newcomer",'),
  })
  const login = await ask('POST', '/api/v1/session', { key: world.key })
  expect([login.status, login.body]).toEqual([
    503,
    expect.objectContaining({ detail: expect.stringContaining('a login in a browser') }),
  ])
  expect(await ask('GET', '/readyz')).toMatchObject({
    status: 503,
    body: { detail: expect.stringContaining('the database is a replica') },
  })
  await pair.replica`select pg_promote()`
  await until('the server works', async () =>
    (await ask('POST', '/api/v1/jobs', job)).status === 201 ? true : undefined,
  )
  expect((await ask('GET', '/readyz')).status).toBe(200)
  expect(placeOf(await ask('GET', '/api/v1/jobs/list'))).toBeUndefined()
  // The other server no longer reads there: it takes writes now.
  await until('nothing is read at the promoted one', async () =>
    placeOf(await read('/clusters')) === 'primary' ? true : undefined,
  )
  const doctor = await world.jobsctl(['doctor', '--json'])
  expect(JSON.parse(doctor.out)).toContainEqual(
    expect.objectContaining({
      check: 'replica',
      result: 'warning',
      detail: expect.stringContaining('it takes writes'),
    }),
  )
  await server.stop()
})
