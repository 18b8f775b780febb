import { setTimeout as wait } from 'node:timers/promises'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Wire, wireTo } from '../../../../scripts/launch/wire.ts'
import type { Sql } from '../../../../server/database/sql.ts'
import type { Running } from '../../../../server/start.ts'
import { newDatabase, type TestDatabase } from '../../../support/database/database.ts'
import { call } from '../../../support/http.ts'
import { until } from '../../../support/poll.ts'
import { startServer } from '../../../support/programs/built.ts'
import { paths } from '../../../support/world.ts'

const key = 'key-of-the-tests'
const limitMs = 4000

/** The server and its pool as they are shipped, on connections that can be cut. */
describe('a server whose connections are lost', () => {
  let database: TestDatabase
  let wire: Wire
  let server: Running
  beforeAll(async () => {
    database = await newDatabase('postgres')
    wire = await wireTo(database.env.JOBS_DB_URL ?? '')
    server = await startServer({
      ...database.env,
      ...{ JOBS_DB_URL: wire.url, JOBS_DB_POOL: '4', SINGLE_USER_API_KEY: key },
    })
    await server.prepared
    await server.sql`create table t (n int)`
  })
  afterAll(async () => {
    await server?.stop()
    await wire?.stop()
    await database?.drop()
  })

  /** Resolves to how each ended, or to undefined when some have not by then. */
  const settled = (calls: Promise<unknown>[]) => Promise.race([Promise.allSettled(calls), wait(limitMs)])
  const stats = () => call({ url: server.url, method: 'GET', path: paths.stats, headers: { 'x-api-key': key } })
  const answer = async (n: number, more = '') => {
    const [row] = await server.sql<[{ n: number }]>`select ${n}::int as n where ${more} = ${more}`
    expect(row.n).toBe(n)
  }
  const allAnswer = async () => {
    const all = await settled(Array.from({ length: 12 }, (_, n) => answer(n)))
    expect(all?.filter(({ status }) => status === 'rejected')).toEqual([])
  }
  /** The pool may hear later than a query that connections have been cut, and then loses the statement that it sends on each. */
  const poolHasNewConnections = () =>
    until('the pool has new connections', () =>
      allAnswer().then(
        () => true,
        () => false,
      ),
    )

  it.each(['reset', 'closed'] as const)('answers every call that is on its way when they are %s', async (how) => {
    for (let round = 0; round < 10; round++) {
      const before = wire.sent()
      const statements = Array.from({ length: 12 }, async (_, n) => {
        await server.sql`select pg_sleep(0.1)`.catch(() => answer(n, 'x'.repeat(n % 2 ? 2000 : 1)))
      })
      const calls = Array.from({ length: 6 }, stats)
      await until('statements are on their way', () => wire.sent() > before)
      wire.cut(how)
      expect(await settled([...statements, ...calls]), `round ${round}: some were never answered`).toBeDefined()
    }
    await allAnswer()
    expect((await stats()).status).toBe(200)
  })

  it('mixes no answers when a table is altered while statements are on their way', async () => {
    const { sql } = server
    await sql`create table altered (n int)`
    await sql`insert into altered values (7)`
    const look = async (n: number) => {
      const [row] = await sql<
        [{ n: number; parameter: number }]
      >`select n, ${n}::int as parameter from altered where ${'x'} = ${'x'}`
      expect([row.n, row.parameter]).toEqual([7, n])
    }
    const all = () => settled(Array.from({ length: 40 }, (_, n) => (n % 2 ? look(n) : answer(n))))
    for (let round = 0; round < 8; round++) {
      await sql.unsafe(`alter table altered alter n type ${round % 2 ? 'int' : 'bigint'}`)
      // A statement with the old plan fails; none gets the answer of another.
      for (const ended of (await all()) ?? []) {
        if (ended.status === 'rejected') expect(ended.reason).toMatchObject({ code: '0A000' })
      }
      await until('every session has the new plan', async () =>
        (await all())?.every(({ status }) => status === 'fulfilled'),
      )
    }
  })

  it('goes on with no transaction in another session', async () => {
    const insertTwice = async (tx: Sql) => {
      await tx`insert into t values (1)`
      wire.cut('closed')
      await poolHasNewConnections()
      await tx`insert into t values (2)`
    }
    const inserting: Promise<void>[] = []
    const change = server.sql.begin((tx) => inserting[inserting.push(insertTwice(tx)) - 1])
    await expect(change).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' })
    await expect(inserting[0]).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' })
    expect([...(await server.sql`select n from t`)]).toEqual([])
  })

  it('costs the pool no connection when a session was reserved', async () => {
    for (let round = 0; round < 6; round++) {
      const session = await server.sql.reserve()
      wire.cut('closed')
      await expect(session`select pg_sleep(20)`).rejects.toThrow()
      session.release()
    }
    await poolHasNewConnections()
  })

  it('mixes no rows of a statement that failed with those of the next', async () => {
    const failing = () => server.sql`select repeat('x', 3000), 1 / (30 - i) from generate_series(1, 100) as i`
    for (let n = 0; n < 8; n++) await expect(failing()).rejects.toMatchObject({ code: '22012' })
    await allAnswer()
  })

  const enqueue = (domain: string) =>
    call({
      ...{ url: server.url, method: 'POST', path: '/api/v1/jobs', headers: { 'x-api-key': key } },
      body: { domain, queue: 'default', job_type: 'export', payload: {} },
    })
  const inserted = async (domain: string) => [...(await server.sql`select from jobs where domain = ${domain}`)].length

  it.each(['reset', 'closed'] as const)(
    'says that nothing was changed when new connections are %s at once',
    async (how) => {
      wire.refuse(how)
      try {
        wire.cut(how)
        // Each connection of the pool is given a statement, so that the pool knows that none is left.
        expect(await settled(Array.from({ length: 12 }, () => answer(1)))).toBeDefined()
        for (let round = 0; round < 5; round++) {
          const calls = await Promise.all(Array.from({ length: 6 }, () => enqueue(`refused-${how}`)))
          for (const { status, body } of calls)
            expect([status, body]).toEqual([
              503,
              expect.objectContaining({
                code: 'database_unavailable',
                detail: expect.stringContaining('nothing was changed'),
              }),
            ])
        }
      } finally {
        wire.refuse(undefined)
      }
      await poolHasNewConnections()
      expect(await inserted(`refused-${how}`)).toBe(0)
    },
  )

  it('sends a statement again that its session did not run before the session was terminated', async () => {
    const direct = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    try {
      for (let round = 0; round < 4; round++) {
        await until('every session is open', () =>
          settled(Array.from({ length: 4 }, () => server.sql`select pg_sleep(0.05)`)),
        )
        // What PostgreSQL says at the end of a session is still on its way when the session is given statements.
        wire.slow(() => 100)
        const ended = await direct<{ pid: number }[]>`
          select pid, pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and application_name = 'jobs-server'`
        await until('the sessions have ended', async () => {
          const [left] = await direct`
            select from pg_stat_activity where pid = any(${ended.map(({ pid }) => pid)}) and application_name = 'jobs-server'`
          return !left
        })
        const before = wire.sent()
        const domain = `again-${round}`
        const calls = Array.from({ length: 12 }, (_, n) => (n % 2 ? stats() : enqueue(domain)))
        const transactions = Array.from({ length: 3 }, (_, n) =>
          server.sql.begin(async (tx) => void (await tx`insert into t values (${100 + n})`)),
        )
        await until('statements are on their way', () => wire.sent() > before)
        const answers = await Promise.all(calls)
        expect(answers.map(({ status }) => status)).toEqual(answers.map((_, n) => (n % 2 ? 200 : 201)))
        await Promise.all(transactions)
        wire.slow(() => 0)
        expect(await inserted(domain)).toBe(6)
      }
      const rows = await server.sql`select n from t where n >= 100`
      expect(rows).toHaveLength(12)
    } finally {
      wire.slow(() => 0)
      await direct.end()
    }
  })

  it('knows that a transaction changed nothing whose session was terminated before its statement', async () => {
    const direct = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    try {
      const changing = server.sql.begin(async (tx) => {
        const [{ pid }] = await tx<[{ pid: number }]>`select pg_backend_pid() as pid`
        wire.slow(() => 100)
        await direct`select pg_terminate_backend(${pid}::int)`
        await until('the session has ended', async () => {
          const [left] =
            await direct`select from pg_stat_activity where pid = ${pid}::int and backend_type = 'client backend'`
          return !left
        })
        await tx`insert into t values (200)`
      })
      await expect(changing).rejects.toMatchObject({ code: 'CONNECTION_CLOSED', unsent: true })
      wire.slow(() => 0)
      expect(await server.sql`select from t where n = 200`).toHaveLength(0)
    } finally {
      wire.slow(() => 0)
      await direct.end()
    }
  })

  it.each(['reset', 'closed'] as const)(
    'cannot tell the outcome of a statement that was sent before it is %s',
    async (how) => {
      const direct = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
      const session = await direct.reserve()
      try {
        await session`begin`
        await session`lock table jobs in access exclusive mode`
        const sent = enqueue(`sent-${how}`)
        await until('the statement waits in the database', async () => {
          const [row] =
            await session`select count(*)::int as n from pg_locks where not granted and relation = 'jobs'::regclass`
          return row?.n > 0
        })
        wire.refuse(how)
        wire.cut(how)
        expect((await sent).body).toMatchObject({ code: 'outcome_unknown' })
      } finally {
        wire.refuse(undefined)
        await session`rollback`
        session.release()
        await direct.end()
      }
      await poolHasNewConnections()
    },
  )
})
