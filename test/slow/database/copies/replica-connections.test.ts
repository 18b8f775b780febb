import { writeFile } from 'node:fs/promises'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { openHangingWay } from '../../../../scripts/launch/hanging-way.ts'
import { poolerProgram, startPooler } from '../../../../scripts/launch/pooler.ts'
import { roleWithPassword } from '../../../../scripts/launch/postgres.ts'
import { newFolder } from '../../../support/database/database.ts'
import { on, openReading, type ReplicatedPostgres, startReplicated } from '../../../support/database/replica.ts'
import { type Answer, call } from '../../../support/http.ts'
import { until } from '../../../support/poll.ts'
import { secretFile } from '../../../support/programs/config-home.ts'
import { spawnServer } from '../../../support/programs/spawn-server.ts'
import type { World } from '../../../support/world.ts'

let pair: ReplicatedPostgres
beforeAll(async () => {
  pair = await startReplicated()
})
afterAll(() => pair?.stop())

const placeOf = ({ headers }: Answer) => headers['x-read-from']
const staleOk = { 'x-stale-ok': 'true' }
const clusters = '/api/v1/jobs/clusters'
const list = '/api/v1/jobs/list'

const untilReadAt = ({ call }: World, place: string, path = clusters) =>
  until(`it is read at the ${place}`, async () => {
    const answer = await call('GET', path, undefined, staleOk)
    expect(answer.status).toBe(200)
    return placeOf(answer) === place ? answer : undefined
  })

it('a read at a replica that hangs is made at the primary, and later reads do not wait for it', async () => {
  const way = await openHangingWay(pair.replicaUrl)
  onTestFinished(way.close)
  const own = await openReading(pair, 'hangs', { JOBS_METRICS: 'true' }, { ...pair, replicaUrl: way.url })
  onTestFinished(() => own.stop())
  const look = async (path = clusters) => {
    const since = performance.now()
    const answer = await own.call('GET', path)
    expect(answer.status).toBe(200)
    return { place: placeOf(answer), took: performance.now() - since }
  }
  for (const path of [clusters, '/metrics/jobs']) {
    await untilReadAt(own, 'replica')
    // The replica has answered less than a second ago: nobody knows yet that it hangs.
    way.hang()
    const first = await look(path)
    // A scrape says only where the replica has answered.
    expect(first.place).toBe(path === '/metrics/jobs' ? undefined : 'primary')
    expect(first.took).toBeLessThan(30_000)
    let took = 0
    for (let calls = 0; calls < 5; calls++) {
      const later = await look()
      expect(later.place).toBe('primary')
      took += later.took
    }
    expect(took).toBeLessThan(4000)
    way.goOn()
  }
  await untilReadAt(own, 'replica')
})

it('a replica whose connections are all busy with reads does not count as one that hangs', async () => {
  const own = await openReading(pair, 'busy', { JOBS_DB_OPERATOR_POOL: '2', JOBS_LOCK_TIMEOUT_SECONDS: '60' })
  onTestFinished(() => own.stop())
  const [id] = await own.jobs(1)
  // Slow reads would leave one connection to others.
  const job = `/api/v1/jobs/${id}?redact=true`
  await untilReadAt(own, 'replica', job)
  const other = postgres(own.env.JOBS_DB_URL ?? '', { max: 1 })
  onTestFinished(() => other.end())
  // The lock is one of the replica, too, once it has replayed that it was taken.
  const reads = await other.begin(async (tx) => {
    await tx`lock table jobs in access exclusive mode`
    await own.sql`select pg_current_xact_id()`
    await until('the replica has the lock', async () => {
      const [lock] = await pair.replica`select from pg_locks where mode = 'AccessExclusiveLock' and granted`
      return lock !== undefined
    })
    const reads = [1, 2, 3].map(() => own.call('GET', job, undefined, staleOk))
    await until('both connections are busy for longer than two looks', async () => {
      const [row] = await pair.replica<{ waiting: number }[]>`
        select count(*)::int as waiting from pg_stat_activity
        where datname = 'busy' and wait_event_type = 'Lock' and query_start < clock_timestamp() - interval '4 seconds'`
      return row?.waiting === 2
    })
    return reads
  })
  expect((await Promise.all(reads)).map((answer) => [answer.status, placeOf(answer)])).toEqual(
    reads.map(() => [200, 'replica']),
  )
})

it('a server takes the URL of the replica from a file, and a changed password of it at SIGHUP', async () => {
  const admin = postgres(pair.url, { max: 1, onnotice: () => {} })
  onTestFinished(() => admin.end())
  const withPassword = (password: string) =>
    Object.assign(new URL(on(pair.replicaUrl, 'of_a_file')), { username: roleWithPassword, password }).href
  await admin.unsafe(`create role ${roleWithPassword} superuser login password 'one'`)
  await admin`create database of_a_file`
  const file = await secretFile(withPassword('one'))
  // As the page about replicas starts it.
  const server = await spawnServer({
    ...{ JOBS_DB_URL: on(pair.url, 'of_a_file'), JOBS_DB_READ_URL_FILE: file, JOBS_READ_LAG: '5' },
    ...{ JOBS_DATA_DIR: await newFolder('data'), SINGLE_USER_API_KEY: 'key' },
  })
  onTestFinished(() => void server.kill())
  const untilAt = (place: string) =>
    until(`it is read at the ${place}`, async () => {
      const answer = await call({ url: server.url, method: 'GET', path: clusters, headers: { 'x-api-key': 'key' } })
      return answer.status === 200 && placeOf(answer) === place
    })
  await untilAt('replica')
  await admin.unsafe(`alter role ${roleWithPassword} password 'two'`)
  await pair.replica`select pg_terminate_backend(pid) from pg_stat_activity where usename = ${roleWithPassword}`
  await untilAt('primary')
  await writeFile(file, withPassword('two'))
  server.readAgain()
  await untilAt('replica')
})

const isThere = poolerProgram() !== undefined
if (!isThere) process.stderr.write('skipped: pgbouncer is not installed\n')

describe.skipIf(!isThere)('PgBouncer in transaction mode before primary and replica', () => {
  const openPooled = async (name: string) => {
    const poolers = await Promise.all([pair.url, pair.replicaUrl].map((url) => startPooler(url)))
    onTestFinished(async () => {
      await Promise.all(poolers.map((pooler) => pooler?.stop()))
    })
    const [url = '', replicaUrl = ''] = poolers.map((pooler) => pooler?.urlOf('postgres'))
    const pooled = { JOBS_DB_POOLER: 'true', JOBS_READ_LAG: '2', JOBS_METRICS: 'true' }
    const own = await openReading(pair, name, pooled, { url, replicaUrl })
    onTestFinished(() => own.stop())
    return own
  }

  it('reads at the replica, and at the primary while the replica lags or has lost its connections', async () => {
    const own = await openPooled('pooled')
    const [id] = await own.jobs(3, { status: 'failed' })
    for (const path of [clusters, list, `/api/v1/jobs/${id}?redact=true`, '/api/v1/jobs/history', '/metrics/jobs'])
      await untilReadAt(own, 'replica', path)
    const sessions = postgres(on(pair.replicaUrl, 'pooled'), { max: 1 })
    onTestFinished(() => sessions.end())
    await sessions`
      select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'jobs-server' and datname = 'pooled'`
    for (let calls = 0; calls < 5; calls++) expect((await own.call('GET', list, undefined, staleOk)).status).toBe(200)
    await untilReadAt(own, 'replica', list)
    await pair.replica`select pg_wal_replay_pause()`
    try {
      const [late] = await own.jobs(1, { domain: 'late' })
      const answer = await untilReadAt(own, 'primary', `${list}?domain=late`)
      expect(answer.body).toMatchObject([{ id: late }])
    } finally {
      await pair.replica`select pg_wal_replay_resume()`
    }
    await untilReadAt(own, 'replica', `${list}?domain=late`)
  })

  it('makes a read at the primary that waits at PgBouncer for a replica which is gone', async () => {
    const own = await openPooled('gone')
    await untilReadAt(own, 'replica', list)
    let isGone = false
    // Some of them begin before anybody knows that it is gone.
    const reader = async () => {
      const places: unknown[] = []
      do places.push(placeOf(await own.call('GET', list, undefined, staleOk)))
      while (!isGone || places.at(-1) !== 'primary')
      return places
    }
    const readers = Array.from({ length: 8 }, reader)
    await pair.crash()
    isGone = true
    try {
      expect((await Promise.all(readers)).map((places) => places.at(-1))).toEqual(readers.map(() => 'primary'))
    } finally {
      await pair.resume()
    }
    await untilReadAt(own, 'replica', list)
  })
})
