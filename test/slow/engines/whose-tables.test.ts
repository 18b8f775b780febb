import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { startServer } from '../../support/programs/built.ts'
import { runServer } from '../../support/programs/spawn-server.ts'
import { sampled } from '../../support/sample.ts'

/** Every relation, column, index, trigger, function and schema of a database, with the row version of each. */
const catalogOf = (sql: postgres.Sql) => sql`
  select 'class' as of, oid::text, xmin::text, relname::text as name from pg_class where relnamespace::regnamespace::text !~ '^pg_'
  union all
  select 'attribute', attrelid::text || '.' || attnum, pg_attribute.xmin::text, attname
  from pg_attribute join pg_class on pg_class.oid = attrelid where relnamespace::regnamespace::text !~ '^pg_'
  union all
  select 'index', indexrelid::text, pg_index.xmin::text, '' from pg_index join pg_class on pg_class.oid = indexrelid
  where relnamespace::regnamespace::text !~ '^pg_'
  union all
  select 'trigger', oid::text, xmin::text, tgname from pg_trigger
  union all
  select 'function', oid::text, xmin::text, proname from pg_proc where pronamespace::regnamespace::text !~ '^pg_'
  union all
  select 'schema', oid::text, xmin::text, nspname from pg_namespace
  order by 1, 2`

describe('a database with tables of other programs', () => {
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

  const homeMade = `
    create table jobs (id bigserial primary key, kind text, payload jsonb, status text, created_at timestamptz default now());
    insert into jobs (kind, status) values ('mail', 'new')`

  /** Runs a program that must refuse the database, with its catalog as it was. */
  async function expectRefused(
    argv: string[],
    says: (string | RegExp)[],
    env: Record<string, string> = {},
  ): Promise<void> {
    const before = [...(await catalogOf(sql))]
    const { code, out, err } = await runServer(argv, { ...database.env, PORT: '0', SINGLE_USER_API_KEY: 'key', ...env })
    expect({ code, err }).toMatchObject({ code: 2 })
    for (const text of says) expect(err).toMatch(text)
    expect(err).not.toContain('    at ')
    expect(out).not.toContain('"ready"')
    expect([...(await catalogOf(sql))]).toEqual(before)
  }

  it.each(
    sampled(
      [
        ['the server', [], {}],
        ['a server that migrates nothing', [], { JOBS_MIGRATE: 'false' }],
        ['a server of another engine setting', ['--engine', 'own'], {}],
        ['migrate', ['migrate'], {}],
        ['a dry run', ['migrate', '--dry-run'], {}],
        ['token create', ['token', 'create', 'ci'], {}],
        ['demo', ['demo'], {}],
        ['indexes plan', ['indexes', 'plan'], {}],
        ['indexes build', ['indexes', 'build', 'jobsctl_live'], {}],
        ['freeze', ['freeze', '--reason', 'a move'], {}],
        ['grants', ['grants', '--role', 'app'], {}],
        ['schema', ['schema'], {}],
        ['uninstall', ['uninstall'], {}],
        ['callers', ['callers', 'list'], {}],
      ],
      5,
    ),
  )('is refused by %s before anything is made, where a table jobs has other columns', async (_, argv, env) => {
    await sql.unsafe(homeMade)
    const says = [
      'public.jobs is the table of another program: it has no domain, queue, job_type',
      'its columns are id, kind, payload, status, created_at; nothing was made or changed',
      'hint: public.jobs looks like a queue: jobs-server init --detect; JOBS_DB_SCHEMA=<another schema>',
    ]
    await expectRefused(argv, says, env)
  })

  it.each(
    sampled(
      [
        [
          'one column too few',
          'create table jobs (id int, domain text, queue text, job_type text)',
          'it has no status',
        ],
        [
          'a dropped column',
          'create table jobs (domain text, queue text, job_type text, status text); alter table jobs drop status',
          'no status',
        ],
        ['no column at all', 'create table jobs ()', 'it has no domain'],
        [
          'a view',
          "create view jobs as select 'd' as domain, 'q' as queue, 't' as job_type, 'queued' as status",
          'public.jobs is a view',
        ],
        [
          'a materialized view',
          'create materialized view jobs as select 1 as id',
          'public.jobs is a materialized view',
        ],
        [
          'partitions',
          'create table jobs (id int, kind text) partition by list (kind)',
          'public.jobs is the table of another program',
        ],
        ['a sequence', 'create sequence jobs', 'public.jobs is a sequence'],
        ['an index', 'create table t (a int); create index jobs on t (a)', 'public.jobs is an index'],
        ['a composite type', 'create type jobs as (a int)', 'public.jobs is a type'],
        ['an enum', "create type jobs as enum ('a')", 'public.jobs is a type'],
        ['an unlogged table', 'create unlogged table jobs (id int)', 'public.jobs is the table of another program'],
        [
          'odd names',
          'create table jobs (id int, "two\nlines" text, "queue" text)',
          /its columns are id, two\?lines, queue;/,
        ],
        ['many columns', `create table jobs (${Array.from({ length: 60 }, (_, at) => `c${at} int`)})`, /c19, 40 more;/],
        [
          'other events',
          'create table job_events (id int, name text)',
          'public.job_events is the table of another program: it has no job_id, event_type',
        ],
        [
          'other dependencies',
          'create table job_dependencies (job_id int, needs int)',
          'public.job_dependencies is the table',
        ],
        [
          'other attachments',
          'create table job_attachments (id int, file bytea)',
          'public.job_attachments is the table',
        ],
        ['another archive', 'create table jobs_archive (id int, kind text)', 'public.jobs_archive is the table'],
        ['other controls', 'create table job_queue_controls (name text)', 'public.job_queue_controls is the table'],
        ['other counters', 'create table job_counters (name text, value int)', 'public.job_counters is the table'],
        ['other policies', 'create table job_sla_policies (name text)', 'public.job_sla_policies is the table'],
        [
          'other operations',
          'create table job_operations (id int, job_id int, operation text)',
          'public.job_operations is the table',
        ],
        ['other rows', 'create table job_operation_rows (id int)', 'public.job_operation_rows is the table'],
        ['other tokens', 'create table jobs_api_tokens (id int, token text)', 'public.jobs_api_tokens is the table'],
        [
          'a view in place of a table of servers',
          'create view jobsctl_settings as select 1 as name',
          'public.jobsctl_settings is a view',
        ],
        [
          'two of them',
          `${homeMade}; create table job_events (id int)`,
          /public\.jobs is the table of another program.*; so is job_events; nothing was made/,
        ],
      ],
      8,
    ),
  )('is refused where a name of ours is taken: %s', async (_, statements, says) => {
    await sql.unsafe(statements)
    await expectRefused(['migrate'], [says])
  })

  it('is refused where a table of another program stands beside jobs of ours', async () => {
    await sql.unsafe(`
      create table jobs (id bigserial primary key, domain text not null, queue text not null, job_type text not null, status text not null);
      create table job_attachments (id int, file bytea)`)
    await expectRefused([], ['public.job_attachments is the table of another program: it has no job_id, kind'])
  })

  it('keeps a stranger from a schema that JOBS_DB_SCHEMA names, and serves the schema beside it', async () => {
    await sql.unsafe(
      `${homeMade}; create schema queues; create schema "Odd ""one"; create table "Odd ""one".jobs (id int)`,
    )
    await expectRefused([], ['"Odd ""one".jobs is the table of another program'], { JOBS_DB_SCHEMA: 'Odd "one' })
    const columns = () => sql`select attname from pg_attribute where attrelid = 'public.jobs'::regclass order by attnum`
    const before = [...(await columns())]
    const server = await startServer({ ...database.env, JOBS_DB_SCHEMA: 'queues' }, () => {})
    await server.prepared
    await server.stop()
    expect([...(await columns())]).toEqual(before)
    expect(await sql`select tablename from pg_tables where schemaname = 'public'`).toEqual([{ tablename: 'jobs' }])
    // The schema of the tables is found by its jobs from then on.
    expect(await runServer(['token', 'list'], database.env)).toMatchObject({ code: 0 })
  })

  it('is refused where a column that tells the table has another type, with both ways out', async () => {
    await sql.unsafe('create table jobs (id int, domain int, queue text, job_type text, status int)')
    await expectRefused([], ['jobs.domain is integer and must be text', 'JOBS_DB_SCHEMA=<another schema>'])
  })
})
