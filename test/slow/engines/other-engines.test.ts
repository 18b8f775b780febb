import { existsSync } from 'node:fs'
import { join } from 'node:path'
import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { emptyDatabase, newFolder, type TestDatabase } from '../../support/database/database.ts'
import { startServer } from '../../support/programs/built.ts'
import { runServer } from '../../support/programs/spawn-server.ts'
import { sampled } from '../../support/sample.ts'

const pgBoss = `
  create schema pgboss;
  create table pgboss.version (version int primary key);
  create table pgboss.queue (name text primary key);
  create table pgboss.job (id uuid, name text, state text, start_after timestamptz, primary key (name, id)) partition by list (name);
  create table pgboss.j1 partition of pgboss.job for values in ('mail');
  insert into pgboss.job select gen_random_uuid(), 'mail', 'created', now() from generate_series(1, 1200);
  analyze pgboss.j1`

describe('a database of another engine', () => {
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

  const run = (argv: string[], env: Record<string, string> = {}) =>
    runServer(argv, { ...database.env, PORT: '0', SINGLE_USER_API_KEY: 'key', ...env })
  const tables = async () =>
    (
      await sql<{ name: string }[]>`select relname as name from pg_class where relnamespace = 'public'::regnamespace`
    ).map(({ name }) => name)

  it('is left as it is by every program, which names the engine and says how a queue of its own is made beside it', async () => {
    await sql.unsafe(pgBoss)
    for (const argv of [
      ['migrate'],
      ['migrate', '--dry-run'],
      ['token', 'create', 'ci'],
      ['demo'],
      ['freeze', '--reason', 'r'],
    ]) {
      const { code, err } = await run(argv)
      expect({ argv, code, err }).toMatchObject({ code: 2 })
      expect(err).toMatch(/has the jobs of pg-boss.*, and no tables of jobs-server; nothing was made/)
      expect(err).toContain('jobs-server --engine own, or JOBS_ENGINE=own')
    }
    expect(await tables()).toEqual([])
  })

  it('gets tables of a server beside the engine where somebody says so, and is the own one of servers from then on', async () => {
    await sql.unsafe(pgBoss)
    expect(await run(['migrate', '--engine', 'own'])).toMatchObject({ code: 0, err: '' })
    expect(await tables()).toContain('jobs')
    const log: string[] = []
    const server = await startServer({ ...database.env, SINGLE_USER_API_KEY: 'key' }, (line) => void log.push(line))
    await server.prepared
    await server.stop()
    expect(log.join('\n')).not.toMatch(/pg-?boss/i)
  })

  it.each([
    ['the variable', ['token', 'create', 'ci'], { JOBS_ENGINE: 'own' }],
    ['the flag of the program', ['--engine', 'own', 'token', 'create', 'ci'], {}],
  ])('is made a queue of its own by %s', async (_, argv, env) => {
    await sql.unsafe(pgBoss)
    expect(await run(argv, env)).toMatchObject({ code: 0 })
  })

  it.each([
    ['the server', ['--engine', 'pg-boss']],
    ['the server with a map', ['--map', 'map.yaml']],
    ['a server of several', ['--engine', 'own,mapped']],
    ['migrate', ['migrate', '--engine', 'bullmq']],
    ['a dry run', ['migrate', '--engine', 'pg-boss', '--dry-run']],
    ['grants', ['grants', '--engine', 'graphile-worker', '--look', '--role', 'reader']],
    ['init', ['init', '--check', '--map', 'map.yaml']],
    ['a token', ['--engine', 'pg-boss', 'token', 'create', 'ci']],
  ])('needs a URL: %s makes no embedded database in its place', async (_, argv) => {
    const folder = join(await newFolder('no-url'), 'data')
    const { code, out, err } = await run(argv, { JOBS_DB_URL: '', JOBS_DATA_DIR: folder })
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(/JOBS_(ENGINE=\S+|MAP_FILE) needs JOBS_DB_URL, which is not set; nothing was started or made/)
    expect(existsSync(folder)).toBe(false)
  })

  it('is refused for an engine that is not known', async () => {
    expect(await run(['migrate', '--engine', 'pgboss'])).toMatchObject({
      code: 2,
      err: expect.stringContaining('JOBS_ENGINE: must be auto, own, '),
    })
  })

  it.each(
    sampled(
      [
        [
          'pg-boss before 10',
          'create schema "Odd"; create table "Odd".job (id uuid, name text, state text, startafter timestamptz); create table "Odd".version (version int)',
        ],
        [
          'graphile-worker before 0.16',
          'create schema graphile_worker; create table graphile_worker.migrations (id int); create table graphile_worker.jobs (id int, task_identifier text, payload json, run_at timestamptz)',
        ],
        [
          'BullMQ 6.0.0 to 6.0.2',
          'create schema bullmq; create table bullmq.bullmq_migration (id int); create table bullmq.bullmq_job (id text, queue text, state text, lock_token text)',
        ],
        ['River', 'create table river_job (id int, kind text, state text, args jsonb)'],
        ['Oban', 'create table oban_jobs (id int, worker text, state text, args jsonb)'],
        ['GoodJob', 'create table good_jobs (id int, queue_name text, serialized_params jsonb)'],
        ['Solid Queue', 'create table solid_queue_jobs (id int, queue_name text, class_name text)'],
        ['Que', 'create table que_jobs (job_class text, queue text, run_at timestamptz)'],
        ['Procrastinate', 'create table procrastinate_jobs (id int, task_name text, queue_name text, status text)'],
        ['Delayed Job', 'create table delayed_jobs (id int, handler text, run_at timestamptz, locked_by text)'],
      ],
      4,
    ),
  )('is known by the tables of %s', async (engine, statements) => {
    await sql.unsafe(statements)
    expect(await run(['migrate'])).toMatchObject({
      code: 2,
      err: expect.stringContaining(`has the jobs of ${engine} (`),
    })
  })

  it('is none where there is only a copy of its table, a view or a table with few of its columns', async () => {
    await sql.unsafe(`
      create schema copies; create table copies.job (id uuid, name text, state text, start_after timestamptz);
      create table copies.oban_jobs (id int); create view copies.river_job as select 1 as id, 'k' as kind, 's' as state, '{}' as args`)
    expect(await run(['migrate'])).toMatchObject({ code: 0, err: '' })
  })

  it.each([
    ['holds a job', "insert into jobs (domain, queue, job_type, status) values ('d', 'q', 't', 'completed')", 0],
    [
      'has held one',
      "insert into jobs (domain, queue, job_type, status) values ('d', 'q', 't', 'completed'); delete from jobs",
      0,
    ],
    ['has never held one', '', 2],
    ['has ids of which nobody can tell', 'alter table jobs alter column id drop default; drop sequence jobs_id_seq', 0],
  ])('is our own where a table of jobs %s', async (_, statements, code) => {
    await sql.unsafe(`
      create table jobs (id bigserial primary key, domain text not null, queue text not null, job_type text not null, status text not null);
      ${pgBoss}; ${statements}`)
    expect(await run(['migrate'])).toMatchObject({ code })
  })

  it('beside our own jobs is named in the log, with how it is served', async () => {
    await sql.unsafe(`
      create table jobs (id bigserial primary key, domain text not null, queue text not null, job_type text not null, status text not null);
      ${pgBoss}; insert into jobs (domain, queue, job_type, status) values ('d', 'q', 't', 'completed')`)
    const log: string[] = []
    const server = await startServer({ ...database.env, SINGLE_USER_API_KEY: 'key' }, (line) => void log.push(line))
    await server.prepared
    await server.stop()
    expect(log.join('\n')).toContain('pg-boss has its jobs in this database, too, in pgboss: JOBS_ENGINE=own,pg-boss')
  })
})
