import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Sql } from '../../../server/database/sql.ts'
import type { Found } from '../../../server/engines/found.ts'
import { repair } from '../../../server/engines/graphile-worker/gone-workers.ts'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { addJobs, makeGraphileWorker } from '../../support/engines/graphile-worker.ts'

// The database of the tests has not run for five minutes.
vi.mock('../../../server/engines/graphile-worker/quiet-time.ts', () => ({ quietMinutes: 0.0001, startSeconds: 0.001 }))

describe('a pool of graphile-worker', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  const opened: postgres.Sql[] = []
  const url = () => database.env.JOBS_DB_URL ?? ''
  beforeAll(async () => {
    database = await emptyDatabase()
    sql = postgres(url(), { max: 1, onnotice: () => {} })
    await makeGraphileWorker({ sql })
  })
  afterAll(async () => {
    await sql.end()
    await database.drop()
  })
  beforeEach(() => sql`truncate graphile_worker._private_jobs, graphile_worker._private_job_queues`)
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((one) => one.end()))
  })

  const session = async (statement: string, user?: string) => {
    const one = postgres(url(), { max: 1, ...(user && { user }) })
    opened.push(one)
    await one.unsafe(statement)
  }
  const listens = 'listen "jobs:insert"; listen "worker:migrate"'
  /** A job that a pool has locked a moment ago, since when the database has not started again. */
  const lock = (pool: string, when = 'clock_timestamp()') =>
    addJobs({ sql }, { task: 'mail', columns: { locked_at: when, locked_by: `'${pool}'` } })
  /** What is said of each pool, with what changes from run to run left out. */
  const said = async (named?: string) => {
    await sql`select pg_sleep(0.01)`
    const found: Found = {
      ...{ schema: 'graphile_worker', schemaName: 'graphile_worker', domain: 'graphile_worker', version: 20 },
      ...{ release: '0.18', tables: 4, queues: 0, jobs: 0, columns: new Set(), indexes: new Set(), beside: new Set() },
    }
    const rows = await sql<{ worker: string; why: string | null }[]>`
      select * from (${repair.workers(sql as unknown as Sql, found, named)}) as known order by worker`
    return Object.fromEntries(
      rows.map(({ worker, why }) => [
        worker,
        why?.replace(/\d{4}-\S+Z/, 'then').replace(/session \d+/, 'a session') ?? null,
      ]),
    )
  }

  it('is gone where no session of others is as old as its lock', async () => {
    await lock('dead')
    expect(await said()).toEqual({ dead: null })
  })

  it('is gone by name alone where a session has listened since the lock', async () => {
    await lock('dead')
    await sql`select pg_sleep(0.02)`
    await session(listens)
    expect(await said()).toEqual({
      dead: 'its pool may live: a session has waited for jobs since then, after this lock: another process, or this one again; if it is gone, name it: --worker dead',
    })
    expect(await said('other')).not.toEqual({ dead: null })
    expect(await said('dead')).toEqual({ dead: null })
  })

  it('may live where a session listens that is older than its lock, by whatever name', async () => {
    await session(listens)
    await lock('living')
    const why =
      'its pool may live: a session has waited for jobs since then, before this lock; end or restart such pools first'
    expect([await said(), await said('living')]).toEqual([{ living: why }, { living: why }])
  })

  it('may live where any session is older than its lock, unless it is named', async () => {
    await session('select 1')
    await lock('dead')
    expect(await said()).toEqual({
      dead: 'its pool may live: a session is older than this lock; if its process is gone, name it: --worker dead',
    })
    expect(await said('dead')).toEqual({ dead: null })
  })

  it('may live where PostgreSQL was restarted after its lock, and a session listens', async () => {
    await lock('before', `pg_postmaster_start_time() - interval '1 hour'`)
    expect(await said('before')).toEqual({ before: null })
    await session(listens)
    const why =
      'its pool may live: PostgreSQL was restarted after this lock, and a session may be that of the pool, connected again'
    expect(await said('before')).toEqual({ before: why })
  })

  it('may live where it has locked a queue since, and is told by the newest of its locks', async () => {
    await lock('both', `now() - interval '1 second'`)
    await addJobs({ sql }, { task: 'mail', queue: 'q' })
    await session(listens)
    await sql`update graphile_worker._private_job_queues set locked_at = clock_timestamp(), locked_by = 'both'`
    expect((await said('both')).both).toContain('before this lock')
  })

  it('may live where a role cannot see the sessions of others', async () => {
    await sql`create role watched login`
    await sql`create role watcher login bypassrls`
    await sql`grant usage on schema graphile_worker to watcher`
    await sql`grant select on all tables in schema graphile_worker to watcher`
    try {
      await session('select 1', 'watched')
      await lock('hidden')
      await sql`set role watcher`
      expect(await said('hidden')).toEqual({
        hidden: expect.stringMatching(
          /^its pool may live: this server cannot see the sessions of \w+: grant pg_read_all_stats to watcher$/,
        ),
      })
    } finally {
      await sql`reset role`
      await Promise.all(opened.splice(0).map((one) => one.end()))
      await sql`drop owned by watcher`
      await sql`drop role watcher, watched`
    }
  })
})
