import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { findQueueLike } from '../../../server/database/queue-like/find-queue-like.ts'
import type { Pool } from '../../../server/database/sql.ts'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { call } from '../../support/http.ts'
import { startServer } from '../../support/programs/built.ts'
import { runServer } from '../../support/programs/spawn-server.ts'

const columns =
  'id bigserial primary key, kind text, status text, attempts int, locked_at timestamptz, payload jsonb, created_at timestamptz'

describe('a table that looks like a queue', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  beforeEach(async () => {
    database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
  })
  afterEach(async () => {
    await sql.end()
    await database.drop()
  })

  const objects = () =>
    sql`select oid::int, xmin::text, relname from pg_class where relnamespace <> 'pg_toast'::regnamespace order by oid`
  const found = async () => ((await findQueueLike(sql as unknown as Pool)) ?? []).map(({ relation }) => relation)

  it('is named where a server finds nothing that it knows, and the database stays as it is', async () => {
    await sql.unsafe(
      `create schema app; create table app.email_jobs (${columns}); create table orders (id int); create table users (id int)`,
    )
    const before = await objects()
    for (const argv of [[], ['migrate']]) {
      const { code, out, err } = await runServer(argv, { ...database.env, PORT: '0', SINGLE_USER_API_KEY: 'key' })
      expect({ code, out }).toEqual({ code: 2, out: expect.not.stringContaining('"ready"') })
      expect(err).toContain('no table jobs of jobs-server, and none of pg-boss, BullMQ or graphile-worker')
      expect(err).toContain('The schema public has tables of other programs (orders, users); nothing was made')
      expect(err).toContain(
        'hint: app.email_jobs looks like a queue: jobs-server init --detect; for a queue of its own',
      )
    }
    expect(await objects()).toEqual(before)
    expect(await runServer(['migrate', '--engine', 'own'], database.env)).toMatchObject({ code: 0, err: '' })
    // Whoever has said so once need not say it again.
    expect(await runServer(['token', 'list'], database.env)).toMatchObject({ code: 0 })
  })

  it('is none where a schema has what an extension or nobody has made', async () => {
    await sql.unsafe(
      `create schema app; create table app.email_jobs (${columns}); create view v as select 1 as id; create sequence s`,
    )
    expect(await runServer(['migrate'], database.env)).toMatchObject({ code: 0, err: '' })
  })

  it('is named for an engine that this version does not serve', async () => {
    await sql.unsafe(
      'create table delayed_jobs (id bigserial primary key, handler text, run_at timestamp, locked_by text, locked_at timestamp, failed_at timestamp, attempts int, last_error text)',
    )
    const { code, err } = await runServer(['migrate'], database.env)
    expect(code).toBe(2)
    expect(err).toContain('hint: public.delayed_jobs looks like a queue: jobs-server init --detect')
  })

  it('is told to who governs, and is not the one that is served', async () => {
    await sql.unsafe(
      `create schema app; create table app.email_jobs (${columns}); create table app.sms_jobs (${columns})`,
    )
    const server = await startServer({ ...database.env, SINGLE_USER_API_KEY: 'key' })
    await server.prepared
    const answer = await call({
      url: server.url,
      method: 'GET',
      path: '/api/v1/engine',
      headers: { 'x-api-key': 'key' },
    })
    await server.stop()
    expect(
      z
        .looseObject({ queue_like: z.array(z.string()) })
        .parse(answer.body)
        .queue_like.sort(),
    ).toEqual(['app.email_jobs', 'app.sms_jobs'])
  })

  it.each([
    [
      'users who are locked out',
      'create table users (id int, email text, status text, type text, locked_at timestamptz, failed_attempts int)',
    ],
    [
      'orders',
      'create table orders (id int, status text, total numeric, created_at timestamptz, completed_at timestamptz)',
    ],
    ['things to do', 'create table tasks (id int, title text, status text, completed boolean, created timestamptz)'],
    ['payments', 'create table payments (id int, status text, type text, error text, created_at timestamptz)'],
    [
      'jobs that people apply for',
      'create table jobs (id int, title text, company_id int, type text, status text, created_at timestamptz)',
    ],
    [
      'batches of jobs',
      'create table job_batches (id text, name text, total_jobs int, pending_jobs int, failed_jobs int, cancelled_at int, created_at int, finished_at int)',
    ],
    ['a view', "create view email_jobs as select 1 as id, 'new' as status, 1 as attempts, now() as locked_at"],
    [
      'pg-boss',
      'create schema pgboss; create table pgboss.job (id uuid, name text, state text, start_after timestamptz, data jsonb, retry_count int); create table pgboss.queue (name text); create table pgboss.version (version int)',
    ],
    [
      'Solid Queue',
      'create table solid_queue_jobs (id int, queue_name text, class_name text, arguments text, finished_at timestamp); create table solid_queue_failed_executions (id int, error text, job_id int, created_at timestamp)',
    ],
  ])('is none of these: %s', async (_, statements) => {
    await sql.unsafe(statements)
    expect(await found()).toEqual([])
  })

  it('is found among 2,000 tables, the most likely one first, and its name is shown on one line', async () => {
    await sql.unsafe(`
      do $$ begin for n in 1..2000 loop
        execute format('create table t%s (id int, name text, status text, created_at timestamptz, updated_at timestamptz, user_id int)', n);
        if n % 500 = 0 then commit; end if;
      end loop; end $$`)
    await sql.unsafe(
      `create table outbox (id int, status text, payload jsonb); create table "email\njobs" (${columns})`,
    )
    expect(await found()).toEqual(['public."email\njobs"', 'public.outbox'])
    const { err } = await runServer(['migrate'], database.env)
    expect(err).toContain('hint: public."email\\x0ajobs", public.outbox look like queues: jobs-server init --detect')
  })
})
