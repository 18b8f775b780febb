import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bearer, idOf, makeToken } from '../../support/access/tokens.ts'
import { closeGate } from '../../support/gate.ts'
import { until } from '../../support/poll.ts'
import { startServer } from '../../support/programs/built.ts'
import { runServer } from '../../support/programs/spawn-server.ts'
import { jobPaths, workerOf } from '../../support/worker.ts'
import { openWorld, paths, type World } from '../../support/world.ts'

/** The keys of all locks, as servers up to 0.2.0 take them. */
const keys = {
  short: ['jobsctl migrations', 'jobsctl counts', 'jobsctl edges'],
  long: ['operations', 'chain', 'events', 'history', 'freeze'].map((name) => `jobsctl ${name}`),
}

describe('a role that holds our advisory locks', () => {
  let world: World
  let owner: postgres.Sql
  let headers: Record<string, string>
  let token: string
  const role = 'stranger_to_jobs'
  const trusted = 'friend_of_jobs'
  beforeAll(async () => {
    world = await openWorld('postgres', { AUTH_MODE: 'multi_user', JOBS_DB_POOL: '4', JOBS_LOG_LEVEL: 'info' })
    owner = postgres(world.env.JOBS_DB_URL ?? '', { max: 2, onnotice: () => {} })
    for (const name of [role, trusted]) await owner`create role ${owner(name)} login`.catch(() => {})
    await owner`grant select, update on job_operations to ${owner(trusted)}`
    headers = bearer(await makeToken(world.sql, 'boss', 'admin'))
    token = await makeToken(world.sql, 'worker', 'worker', true)
  })
  afterAll(async () => {
    await owner`drop owned by ${owner(trusted)}`.catch(() => {})
    await owner?.end()
    await world?.stop()
  })

  const connect = (username: string) => {
    const url = Object.assign(new URL(world.env.JOBS_DB_URL ?? ''), { username })
    return postgres(url.href, { max: 1, onnotice: () => {}, connection: { application_name: 'a stranger' } })
  }
  /** Runs `work` while a session of the role holds these locks. */
  async function besideHolder(as: string, names: typeof keys, work: (pid: number) => Promise<unknown>): Promise<void> {
    const session = connect(as)
    try {
      for (const name of names.short) await session`select pg_advisory_lock(hashtext(${name}))`
      for (const name of names.long) await session`select pg_advisory_lock(hashtextextended(${name}, 0))`
      const [{ pid }] = await session<[{ pid: number }]>`select pg_backend_pid() as pid`
      await work(pid)
    } finally {
      await session.end()
    }
  }
  let queues = 0
  const pause = (domain = 'chatbooks') =>
    world.post(jobPaths.control, { domain, queue: `queue ${++queues}`, action: 'pause' }, headers)
  const pendingRows = async () => {
    const [row] = await owner<{ n: number }[]>`
      select (select count(*) from jobsctl_count_deltas)::int + (select count(*) from jobsctl_transitions)::int as n`
    return row?.n
  }

  it('and may write nothing keeps nobody from acts, changes, the shell, the background and a start', () =>
    besideHolder(role, keys, async (pid) => {
      await world.jobs(4, { status: 'completed' })
      expect(await pause()).toMatchObject({ status: 200 })
      const pruned = await world.confirm(paths.prune, { domain: 'chatbooks', older_than_days: 1 }, headers)
      expect(pruned).toMatchObject({ status: 200, body: { deleted: 4 } })
      const undone = await world.confirm('/api/v1/jobs/operations/undo', {}, headers)
      expect(undone.status).not.toBe(503)
      const revoked = await world.post(`/api/v1/tokens/${idOf(token)}/revoke`, {}, { ...headers, 'x-confirm': 'true' })
      expect(revoked).toMatchObject({ status: 200 })
      expect(world.log.join('\n')).toContain(`pid ${pid} (role \\"${role}\\", application \\"a stranger\\")`)
      expect(await runServer(['freeze', '--reason', 'a test'], world.env)).toMatchObject({ code: 0 })
      expect(await runServer(['thaw'], world.env)).toMatchObject({ code: 0 })
      await until('counts and history are added up', async () => (await pendingRows()) === 0)
      const verified = await world.call('GET', '/api/v1/jobs/operations/verify', undefined, headers)
      expect(verified.body).toMatchObject({ ok: true })
      const another = await startServer(world.env)
      await another.prepared
      await another.stop()
    }))

  it('lets servers exclude each other by the rows', () =>
    besideHolder(role, keys, async () => {
      await world.jobs(1, { status: 'completed' })
      const gate = await closeGate(
        owner,
        `after update on job_operations for each row
        when (old.hash is null and new.hash is not null and new.domain = 'chatbooks')`,
      )
      const first = pause()
      await gate.reached(first)
      const second = pause('media')
      await gate.blocked(second)
      await gate.open()
      expect([await first, await second]).toMatchObject([{ status: 200 }, { status: 200 }])
      const verified = await world.call('GET', '/api/v1/jobs/operations/verify', undefined, headers)
      expect(verified.body).toMatchObject({ ok: true })
      await owner`drop schema gates cascade`
    }))

  it('is named where it may write records, while workers go on', () =>
    besideHolder(trusted, { short: [], long: ['jobsctl chain'] }, async (pid) => {
      const acts = Array.from({ length: 5 }, () => pause())
      await until('acts wait', async () => {
        const [row] = await owner<{ n: number }[]>`
          select count(*)::int as n from pg_stat_activity
          where datname = current_database() and wait_event_type = 'Lock' and query like '%pg_advisory_xact_lock%'`
        return (row?.n ?? 0) >= 2
      })
      const worker = workerOf((path, body) => world.post(path, body, headers))
      await worker.enqueue()
      await worker.complete(await worker.take())
      for (const act of await Promise.all(acts)) {
        expect(act).toMatchObject({
          status: 503,
          headers: { 'retry-after': '5' },
          body: {
            code: 'database_busy',
            detail: `the session with pid ${pid} (role "${trusted}", application "a stranger") has the lock of records that are sealed; nothing was changed`,
            hint: expect.stringContaining(`pg_terminate_backend(${pid})`),
          },
        })
      }
      expect(await pause()).toMatchObject({ status: 503 })
    }))

  it('excludes servers as before where their role may not lock the rows, and doctor says so', async () => {
    const app = 'app_without_locks'
    await owner`create role ${owner(app)} login`.catch(() => {})
    const granted = await runServer(['grants', '--role', app], world.env)
    expect(granted.out).toContain('on table public.jobsctl_locks to')
    await owner.unsafe(granted.out)
    await owner`revoke all on jobsctl_locks from ${owner(app)}`
    const url = Object.assign(new URL(world.env.JOBS_DB_URL ?? ''), { username: app }).href
    const other = await startServer({ ...world.env, JOBS_DB_URL: url, JOBS_MIGRATE: 'false' })
    await other.prepared
    const at = { ...world, url: other.url }
    const call = (method: string, path: string, body?: unknown) =>
      fetch(`${at.url}${path}`, {
        method,
        headers: { authorization: headers.authorization ?? '', 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      })
    const paused = await call('POST', jobPaths.control, { domain: 'a', queue: 'b', action: 'pause' })
    expect(`${paused.status} ${paused.status === 200 ? '' : await paused.text()}`).toBe('200 ')
    const storage = await (await call('GET', '/api/v1/jobs/storage')).text()
    expect(storage).toContain('update on jobsctl_locks')
    await besideHolder(role, { short: [], long: ['jobsctl chain'] }, async (pid) => {
      const refused = await call('POST', jobPaths.control, { domain: 'a', queue: 'b', action: 'resume' })
      expect(refused.status).toBe(503)
      expect(await refused.text()).toContain(`pid ${pid}`)
    })
    await other.stop()
    await owner`drop owned by ${owner(app)}`
  })
})
