import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { roleWithPassword, startPostgres, type ThrowawayPostgres } from '../../../scripts/launch/postgres.ts'
import { wireTo } from '../../../scripts/launch/wire.ts'
import { newFolder } from '../../support/database/database.ts'
import { call } from '../../support/http.ts'
import { countsOf } from '../../support/observe/counts.ts'
import { until } from '../../support/poll.ts'
import { runServer, type ServerProcess, spawnServer } from '../../support/programs/spawn-server.ts'
import { jobPaths } from '../../support/worker.ts'
import { paths } from '../../support/world.ts'

const key = 'key-of-the-tests'

describe('a server whose PostgreSQL comes and goes', () => {
  let database: ThrowawayPostgres
  beforeAll(async () => {
    database = await startPostgres()
  })
  afterAll(() => database?.stop())

  const envOf = async (url = database.url) => ({
    JOBS_DB_URL: url,
    SINGLE_USER_API_KEY: key,
    JOBS_DATA_DIR: await newFolder('data'),
  })
  const get = (server: ServerProcess, path: string) =>
    call({ url: server.url, method: 'GET', path, headers: { 'x-api-key': key } })
  const prune = (server: ServerProcess, body = {}) =>
    call({
      url: server.url,
      method: 'POST',
      path: paths.prune,
      body,
      headers: { 'x-api-key': key, 'x-confirm': 'true' },
    })
  /** One job to prune in each of the domains. */
  const oldJobs = (sql: postgres.Sql, domains: string[]) => sql`
    insert into jobs (domain, queue, job_type, status, completed_at)
    select domain, 'q', 't', 'completed', now() - interval '90 days' from unnest(${domains}::text[]) as domain`
  const ready = (server: ServerProcess) =>
    until('the server is ready', async () => (await get(server, '/readyz')).status === 200)

  it('says 503 while it is away, stays alive, and works again by itself', async () => {
    const server = await spawnServer(await envOf())
    try {
      await ready(server)
      expect((await get(server, paths.stats)).status).toBe(200)

      await database.halt()
      for (const answer of [await get(server, paths.stats), await prune(server)]) {
        expect(answer).toMatchObject({ status: 503, body: { code: 'database_unavailable' } })
        expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
      }
      expect(await prune(server)).toMatchObject({ status: 503, body: { code: 'database_unavailable' } })
      expect((await get(server, '/healthz')).status).toBe(200)
      const notReady = await get(server, '/readyz')
      expect(notReady).toMatchObject({ status: 503, body: { code: 'database_unavailable' } })
      expect(Number(notReady.headers['retry-after'])).toBeGreaterThan(0)

      await database.resume()
      await ready(server)
      expect((await get(server, paths.stats)).status).toBe(200)
      expect((await prune(server)).body).toMatchObject({ deleted: 0 })
      expect((await server.stop()).code).toBe(0)
    } finally {
      await server.kill()
    }
  })

  it('may start before the database does', async () => {
    await database.halt()
    const server = await spawnServer(await envOf())
    try {
      expect((await get(server, '/healthz')).status).toBe(200)
      expect((await get(server, '/readyz')).status).toBe(503)
      expect(await get(server, paths.stats)).toMatchObject({ status: 503, body: { code: 'database_unavailable' } })
      expect((await get(server, '/nothing')).status).toBe(404)

      await database.resume()
      await ready(server)
      expect((await get(server, paths.stats)).status).toBe(200)
    } finally {
      await server.kill()
    }
  })

  it('survives the end of all its sessions', async () => {
    const server = await spawnServer(await envOf())
    const sql = postgres(database.url, { max: 1 })
    try {
      await ready(server)
      for (const _ of [1, 2, 3]) {
        await Promise.all([1, 2, 3, 4].map(() => get(server, paths.stats)))
        const ended = await sql`
          select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'jobs-server'`
        expect(ended.length).toBeGreaterThan(0)
        await until('stats are served again', async () => (await get(server, paths.stats)).status === 200)
      }
      expect(server.output.err).toBe('')
    } finally {
      await server.kill()
      await sql.end()
    }
  })

  it('rolls a change back when its session ends in the middle, and says that nothing was changed', async () => {
    const server = await spawnServer(await envOf())
    const sql = postgres(database.url, { max: 2 })
    try {
      await ready(server)
      await oldJobs(sql, ['d'])
      await sql.begin(async (tx) => {
        await tx`lock table job_attachments in access exclusive mode`
        const pruning = prune(server)
        await until('the prune waits for what hangs on the job', async () => {
          const waiting = await sql`
            select pg_terminate_backend(pid) from pg_stat_activity
            where application_name = 'jobs-server' and wait_event_type = 'Lock'
              and query like '%picked as materialized%'`
          return waiting.length > 0
        })
        const answer = await pruning
        expect(answer.status).toBe(503)
        expect(answer.body).toMatchObject({ code: 'database_unavailable' })
      })
      expect([...(await sql`select status from jobs`)]).toEqual([{ status: 'completed' }])
      expect([...(await sql`select 1 from job_events`)]).toEqual([])
    } finally {
      await server.kill()
      await sql`truncate jobs, job_operations`
      await sql.end()
    }
  })

  it.each(['closed', 'reset'] as const)(
    'survives that its connections are %s in the middle of a change',
    async (how) => {
      const wire = await wireTo(database.url)
      const server = await spawnServer(await envOf(wire.url))
      const sql = postgres(database.url, { max: 2 })
      try {
        await ready(server)
        await until('the indexes are there', async () => {
          const [row] = await sql`select 1 from jobsctl_migrations where number = 5`
          return row !== undefined
        })
        await oldJobs(sql, ['d'])
        await sql.begin(async (tx) => {
          await tx`lock table job_attachments in access exclusive mode`
          const pruning = prune(server)
          await until('the prune waits for what hangs on the jobs', async () => {
            const waiting = await sql`
            select pid from pg_stat_activity where application_name = 'jobs-server' and wait_event_type = 'Lock'
              and query like '%picked as materialized%'`
            return waiting.length > 0
          })
          wire.cut(how)
          expect(await pruning).toMatchObject({ status: 503, body: { code: 'database_unavailable' } })
        })
        const answers = await Promise.all(Array.from({ length: 12 }, () => get(server, paths.stats)))
        expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
        expect(server.output.err).toBe('')
      } finally {
        await server.kill()
        await sql`truncate jobs, job_operations`
        await sql.end()
        await wire.stop()
      }
    },
  )

  it('survives that its connection is closed while it prepares the tables', async () => {
    const wire = await wireTo(database.url)
    const sql = postgres(database.url, { max: 2 })
    await sql`drop table if exists jobsctl_migrations`
    const session = await sql.reserve()
    await session`begin`
    await session`lock table jobs in access exclusive mode`
    const server = await spawnServer(await envOf(wire.url))
    try {
      await until('a migration waits', async () => {
        const waiting = await sql`
          select pid from pg_stat_activity where application_name = 'jobs-server' and wait_event_type = 'Lock'`
        return waiting.length > 0
      })
      wire.cut('closed')
      await session`rollback`
      await ready(server)
      expect(server.output.err).toBe('')
    } finally {
      await server.kill()
      session.release()
      await sql.end()
      await wire.stop()
    }
  })

  it('serves with all of a small pool while an index waits for a transaction', async () => {
    const first = await spawnServer(await envOf())
    const sql = postgres(database.url, { max: 2 })
    await until('all indexes are there', async () => {
      const [row] = await sql`select from jobsctl_migrations where number = 5`.catch(() => [])
      return row !== undefined
    })
    await first.kill()
    await sql`delete from jobsctl_migrations where number = 2`
    await sql`drop index jobsctl_ended`
    const session = await sql.reserve()
    await session`begin`
    await session`insert into jobs (domain, queue, job_type, status) values ('d', 'q', 't', 'queued')`
    const server = await spawnServer({ ...(await envOf()), JOBS_DB_POOL: '2' })
    try {
      await ready(server)
      await until('the index waits', async () => {
        const waiting = await sql`
          select from pg_stat_activity
          where application_name = 'jobs-server' and wait_event_type = 'Lock' and query like 'create index%'`
        return waiting.length > 0
      })
      await session`lock table job_events in access exclusive mode`
      const listing = get(server, jobPaths.events)
      expect((await get(server, paths.stats)).status).toBe(200)
      await session`rollback`
      expect((await listing).status).toBe(200)
      await until('the index is there', async () => {
        const [index] = await sql`select from pg_index where indexrelid = to_regclass('jobsctl_ended') and indisvalid`
        return index !== undefined
      })
    } finally {
      await server.kill()
      await session`rollback`
      session.release()
      await sql.end()
    }
  })

  it('keeps no other server from counting for long when it freezes, also behind a pooler', async () => {
    const server = await spawnServer({ ...(await envOf()), JOBS_DB_POOLER: 'true' })
    const sql = postgres(database.url, { max: 2 })
    // In this database alone: servers of other test files count in theirs, on the same PostgreSQL.
    const counting = async () => {
      const [row] = await sql`
        select from pg_locks
        where locktype = 'advisory' and granted and objid = (hashtext('jobsctl counts')::bigint & 4294967295)::oid
          and database = (select oid from pg_database where datname = current_database())`
      return row !== undefined
    }
    try {
      await ready(server)
      await until('stats go by counts', async () => (await countsOf({ call: (_, path) => get(server, path) })).kept)
      await sql.begin(async (tx) => {
        // In new sessions, which have yet to prepare the statement that waits for this table, behind the lock.
        await tx`lock table jobsctl_locks in access exclusive mode`
        await tx`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'jobs-server' and datname = current_database()`
        await sql`insert into jobs (domain, queue, job_type, status) values ('d', 'q', 't', 'queued')`
        await until('the server adds up', counting)
        server.freeze()
      })
      expect(await counting()).toBe(true)
      await until('the lock is free', async () => !(await counting()))
    } finally {
      await server.kill()
      await sql`truncate jobs`
      await sql.end()
    }
  })

  it('ends with a clear message when the password is wrong, and does not tell it', async () => {
    const sql = postgres(database.url, { max: 1 })
    await sql.unsafe(`create role ${roleWithPassword} login password 'the-right-one'`)
    await sql.end()
    const url = new URL(database.url)
    url.username = roleWithPassword
    url.password = 'not-the-right-one'

    const { code, out, err } = await runServer([], { PORT: '0', ...(await envOf(url.href)) })

    expect(code).toBe(2)
    expect(err).toMatch(/^error: the database refuses this server: .*password/)
    expect(out + err).not.toContain('not-the-right-one')
    expect(err).not.toMatch(/\n\s+at /)
  })

  it('ends with a clear message when there is no such database', async () => {
    const { code, err } = await runServer([], {
      PORT: '0',
      ...(await envOf(database.url.replace(/postgres$/, 'nowhere'))),
    })
    expect(code).toBe(2)
    expect(err).toMatch(/^error: the database refuses this server: .*nowhere/)
  })

  it('gives up a statement that takes longer than allowed, and says so', async () => {
    const server = await spawnServer({ ...(await envOf()), JOBS_STATEMENT_TIMEOUT_SECONDS: '5' })
    const sql = postgres(database.url, { max: 1 })
    try {
      await ready(server)
      await sql.begin(async (tx) => {
        await tx`lock table jobs in access exclusive mode`
        const answer = await get(server, paths.stats)
        expect(answer).toMatchObject({ status: 503, body: { code: 'database_busy' } })
        expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
      })
      expect((await get(server, paths.stats)).status).toBe(200)
    } finally {
      await server.kill()
      await sql.end()
    }
  })

  it('answers no later call with what ended an earlier one', async () => {
    const server = await spawnServer({ ...(await envOf()), JOBS_DB_POOL: '2' })
    const sql = postgres(database.url, { max: 2 })
    try {
      await ready(server)
      await oldJobs(sql, ['a', 'b'])
      await sql.begin(async (tx) => {
        await tx`lock table job_attachments in access exclusive mode`
        const pruning = ['a', 'b'].map((domain) => prune(server, { domain }))
        await until('both sessions wait, and are ended', async () => {
          const [row] = await sql<[{ n: number }]>`
            select count(pg_terminate_backend(pid))::int as n
            from (
              select pid, count(*) over () as waiting from pg_stat_activity
              where application_name = 'jobs-server' and wait_event_type = 'Lock'
              and query like '%picked as materialized%'
            ) as sessions
            where waiting = 2`
          return row.n === 2
        })
        for (const answer of await Promise.all(pruning)) expect(answer.status).toBe(503)
      })
      for (let n = 0; n < 6; n++) expect((await prune(server, { domain: 'none' })).status).toBe(200)
      const later = await Promise.all(Array.from({ length: 6 }, () => get(server, paths.stats)))
      expect(later.map(({ status }) => status)).toEqual(later.map(() => 200))
    } finally {
      await server.kill()
      await sql`truncate jobs, job_operations`
      await sql.end()
    }
  })

  it('says that a read-only database is one', async () => {
    const server = await spawnServer(await envOf())
    const sql = postgres(database.url, { max: 1 })
    try {
      await ready(server)
      await oldJobs(sql, ['d'])
      await sql`alter system set default_transaction_read_only = on`
      await sql`select pg_reload_conf()`
      await until('changes are refused', async () => {
        const { body } = await prune(server)
        return JSON.stringify(body).includes('the database is read-only; nothing was changed')
      })
      expect((await get(server, paths.stats)).status).toBe(200)
    } finally {
      await server.kill()
      await sql`alter system reset default_transaction_read_only`
      await sql`select pg_reload_conf()`
      await sql`set default_transaction_read_only = off`
      await sql`truncate jobs, job_operations`
      await sql.end()
    }
  })

  it('says of a character that the database cannot hold that it cannot', async () => {
    const sql = postgres(database.url, { max: 1 })
    await sql`create database latin encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0`
    const server = await spawnServer(await envOf(database.url.replace(/postgres$/, 'latin')))
    try {
      await ready(server)
      const answer = await get(server, `${paths.stats}?domain=%F0%9F%98%80`)
      expect(answer).toMatchObject({ status: 422, body: { code: 'invalid_request' } })
      expect((await get(server, `${paths.stats}?domain=%C3%BC`)).status).toBe(200)
    } finally {
      await server.kill()
      await sql`drop database latin with (force)`
      await sql.end()
    }
  })
})
