import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { emptyDatabase, newFolder, type TestDatabase } from '../../../support/database/database.ts'
import { homeMade, laravel } from '../../../support/engines/home-made.ts'
import { runServer } from '../../../support/programs/spawn-server.ts'
import { sampled } from '../../../support/sample.ts'

describe('a map that is proposed', () => {
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

  const detect = (...flags: string[]) => runServer(['init', '--detect', ...flags], database.env)
  const check = async (map: string) => {
    const file = join(await newFolder('map'), 'jobs-map.yaml')
    await writeFile(file, map)
    return runServer(['init', '--check', '--map', file], database.env)
  }
  /** Everything that a statement which writes would leave behind: of each object and each row its version. */
  const traces = async (table: string) => [
    ...(await sql`select oid::text, xmin::text, relname from pg_class union all select attrelid::text || attname, xmin::text, '' from pg_attribute order by 1, 2, 3`),
    ...(await sql.unsafe(`select ctid::text, xmin::text from ${table} order by ctid`)),
  ]

  it.each(sampled(homeMade, 4))('fits $name, and is checked as it is', async (shape) => {
    await sql.unsafe(shape.sql)
    const before = await traces(shape.table)
    const found = await detect()
    expect(found.code).toBe(0)
    expect(await traces(shape.table)).toEqual(before)
    expect(found.err).toContain(`${shape.table} looks like a queue`)
    for (const [state, rows] of Object.entries(shape.counts))
      expect(found.err).toMatch(new RegExp(`\\b${state} ${rows}\\b`))
    expect(found.err).not.toContain('unmapped')
    if (shape.secret) expect(found.out + found.err).not.toContain(shape.secret)
    const { code, err } = await check(found.out)
    expect({ code, err }).toEqual({ code: 0, err: '' })
  })

  it('of the queue of Laravel is of its jobs, not of the failed ones, and has no change that nobody can undo', async () => {
    await sql.unsafe(laravel)
    const found = await detect()
    expect(found.out).toContain('processing: {reserved_at: not null}')
    expect(found.out).not.toMatch(/^(?:retry|prune|cancel):/m)
    expect(found.err).toContain('--table "public.failed_jobs"')
    expect(await check(found.out)).toMatchObject({ code: 0, err: '' })
    const failed = await detect('--table', 'public.failed_jobs')
    expect(failed.out).toContain('failed: {failed_at: not null}')
    expect(await check(failed.out)).toMatchObject({ code: 0 })
  })

  it('asks what it cannot decide, and is refused by --check until that is answered', async () => {
    await sql`create table mail_jobs (id bigserial primary key, state int not null default 0, locked_at timestamptz, attempts int, payload jsonb, created_at timestamptz)`
    await sql`insert into mail_jobs (state, created_at) select (array[0, 1, 2, 7])[1 + n % 4], now() from generate_series(0, 39) as n`
    const { code, out, err } = await detect()
    expect(code).toBe(0)
    expect(out).toContain('0: queued # the default of the column')
    expect(out).toContain('# which state is each of these values of state? seen: 1 (10 rows), 2 (10 rows), 7 (10 rows)')
    expect(err).toContain('unmapped 30')
    expect(err).toContain('the map has a question, as a comment')
    const refused = await check(out)
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('jobs that the map gives no state: 1 (10)') })
    const answered = out.replace('    0: queued', '    1: processing\n    2: completed\n    7: failed\n    0: queued')
    expect(await check(answered)).toMatchObject({ code: 0 })
  })

  it('names the key of a type that no key has, and says so', async () => {
    await sql`create table mail_jobs (id char(10) primary key, state text not null default 'queued', attempts int, payload jsonb, created_at timestamptz not null)`
    await sql`insert into mail_jobs (id, created_at) select 'J' || n, now() from generate_series(1, 9) as n`
    const { out } = await detect()
    expect(out).toMatch(
      /^# id is of type bpchar, and a key is of type bigint, integer, uuid or text: no map fits it\nkey: id$/m,
    )
    expect(await check(out)).toMatchObject({
      code: 2,
      err: expect.stringContaining('the column id is of type bpchar, and must be bigint, integer, uuid or text'),
    })
  })

  it('asks for the key where a unique index has some rows alone', async () => {
    await sql`create table mail_jobs (id bigint not null, state text not null default 'queued', attempts int, payload jsonb, created_at timestamptz not null)`
    await sql`create unique index on mail_jobs (id) where state = 'queued'`
    await sql`insert into mail_jobs (id, created_at) select n, now() from generate_series(1, 9) as n`
    const { out } = await detect()
    expect(out).toMatch(/^# which column names a job\? .* this table has none\nkey: id$/m)
    expect(out).not.toContain('no map fits it')
  })

  it('asks about rows that have ended with an error, where nothing else says that they failed', async () => {
    await sql`create table mail_jobs (id bigserial primary key, finished_at timestamptz, error text, payload jsonb, created_at timestamptz not null default now())`
    await sql`insert into mail_jobs (finished_at, error) values (null, null), (now(), null), (now(), 'boom')`
    const { out } = await detect()
    expect(out).toContain('# which state have rows with finished_at and error? seen: 1')
    expect(await check(out)).toMatchObject({ code: 2, err: expect.stringContaining('no state') })
  })

  it('asks whether a job has ended that was delivered, which Symfony Messenger says of one that a worker has', async () => {
    await sql`create table messenger_messages (id bigserial primary key, body text not null, headers text not null, queue_name varchar(190) not null,
      created_at timestamp not null, available_at timestamp not null, delivered_at timestamp)`
    await sql`insert into messenger_messages (body, headers, queue_name, created_at, available_at, delivered_at)
      values ('', '', 'default', now(), now(), now()), ('', '', 'default', now(), now(), null)`
    const { out } = await detect()
    expect(out).toContain('# which state have rows with delivered_at?')
    expect(out).not.toContain('prune:')
    expect(await check(out)).toMatchObject({ code: 2, err: expect.stringContaining('no state') })
    expect(await check(out.replace('  queued: ', '  processing: {delivered_at: not null}\n  queued: '))).toMatchObject({
      code: 0,
    })
  })

  it('has the due time of a table without a time of creation, and names the times that it does not use', async () => {
    await sql`create table que_jobs (id bigserial primary key, run_at timestamptz not null default now(), job_class text not null, error_count int not null default 0,
      queue text not null, finished_at timestamptz, expired_at timestamptz, args jsonb)`
    const { out } = await detect('--table', 'que_jobs')
    expect(out).toContain('times: {created: run_at, due: run_at, ended: finished_at}')
    expect(out).toContain('# not used: expired_at. Where one tells a state, add it to status')
    expect(await check(out)).toMatchObject({ code: 0, err: '' })
  })

  it('counts all rows with --count, and those of a sample without it', async () => {
    await sql`create table mail_jobs (id bigserial primary key, status text not null default 'new', attempts int, payload jsonb, created_at timestamptz)`
    await sql`insert into mail_jobs (status) select case when n <= 25000 then 'done' when n <= 25003 then 'failed' else 'new' end from generate_series(1, 30000) as n`
    await sql`analyze mail_jobs`
    expect((await detect('--count')).err).toContain(
      'by this map, of all rows: completed 25,000, queued 4,997, failed 3',
    )
    // The newest rows are among those of the sample, which is never larger than 10,000.
    expect((await detect()).err).toMatch(/of a sample of (?:[5-9],\d{3}|10,000) rows: .*queued/)
  })

  it('waits for no lock, and says so', async () => {
    await sql`create table mail_jobs (id bigserial primary key, status text not null default 'new', attempts int, payload jsonb, created_at timestamptz)`
    await sql`insert into mail_jobs (status) values ('new')`
    const other = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    const { code, out, err } = await other.begin(async (tx) => {
      await tx`lock table mail_jobs in access exclusive mode`
      return runServer(['init', '--detect', '--count'], { ...database.env, JOBS_LOCK_TIMEOUT_SECONDS: '1' })
    })
    await other.end()
    expect({ code, out }).toEqual({ code: 7, out: '' })
    expect(err).toMatch(/lock.*nothing was changed/)
  })

  it.each([
    [
      'names with quotes, dots and line breaks',
      'create schema "a.""b"; create table "a.""b"."jo\nb\'s" (id int primary key, "Sta\ntus" text, status text default \'new\', attempts int, "lock""ed" int, payload jsonb, created_at timestamptz)',
    ],
    [
      'words of YAML',
      "create table \"null\" (id int primary key, status text default 'no', attempts int, locked_at timestamptz, payload text, \"created at\" timestamptz); insert into \"null\" (id, status) values (1, 'no'), (2, 'null'), (3, 'yes'), (4, '~')",
    ],
    [
      'a name that turns text round',
      'create table "jobs\u202equeue" (id int primary key, status text, attempts int, payload jsonb, created_at timestamptz)',
    ],
  ])('is a file that is read, whatever the names: %s', async (_, statements) => {
    await sql.unsafe(statements)
    const { code, out, err } = await detect()
    expect(code).toBe(0)
    expect(err).not.toContain('\u202e')
    const checked = await check(out)
    expect(checked.err).not.toMatch(/(?:table|key|times): /)
    expect([0, 2]).toContain(checked.code)
  })

  it('tells no value of a column that is unique, long, or has many values', async () => {
    await sql`create table mail_jobs (id bigserial primary key, state text unique, status text, attempts int, payload jsonb, created_at timestamptz)`
    await sql`insert into mail_jobs (state, status) select 'unique-' || n, 'many-' || n from generate_series(1, 30) as n`
    const many = await detect()
    expect(many.out + many.err).not.toMatch(/unique-|many-/)
    expect(many.out).toContain('Its values are not told')
    await sql`update mail_jobs set status = case when id = 1 then repeat('long-', 20) else 'new' end`
    const long = await detect()
    expect(long.out + long.err).not.toContain('long-')
    await sql`delete from mail_jobs where id > 6`
    await sql`update mail_jobs set status = 'own-' || id`
    const own = await detect()
    expect(own.out + own.err).not.toContain('own-')
  })

  it('names triggers and foreign keys, and maps lock_version', async () => {
    await sql.unsafe(`
      create table mail_jobs (id bigserial primary key, status text default 'new', attempts int, payload jsonb, created_at timestamptz, finished_at timestamptz, lock_version int default 0);
      create table deliveries (job_id bigint references mail_jobs);
      create function touch() returns trigger language plpgsql as 'begin return new; end';
      create trigger touch before update on mail_jobs for each row execute function touch();
      insert into mail_jobs (status) values ('new'), ('failed')`)
    const { out } = await detect()
    expect(out).toContain('lock_version: lock_version')
    expect(out).toContain(
      '# rows of public.deliveries refer to jobs, so that no prune is proposed\nforeign_keys: refuse',
    )
    expect(out).toContain('# triggers fire where jobsctl changes a job, too: touch (update)')
    expect(out).not.toContain('prune:')
    expect(await check(out)).toMatchObject({
      code: 0,
      out: expect.stringContaining('prune: no, rows of public.deliveries refer to jobs by a foreign key'),
    })
  })

  it('of the table of a library is the one that comes with the package', async () => {
    await sql`create table river_job (id bigint primary key, kind text, state text, args jsonb, queue text, attempt int)`
    const { code, out, err } = await detect()
    expect(code).toBe(0)
    expect(out).toContain('\ntable: river_job\nlook_only: true\n')
    expect(err).toContain('public.river_job is the table of River')
  })

  it.each(
    sampled(
      [
        ['no table', '', [], 2, 'no table of this database looks like a queue'],
        [
          'no table of the schema',
          'create schema app; create table jobs (id int primary key, status text, payload jsonb, attempts int)',
          ['--schema', 'app'],
          2,
          'no table in app looks like a queue',
        ],
        [
          'a view',
          "create view jobs as select 1 as id, 'new' as status",
          ['--table', 'jobs'],
          2,
          'public.jobs is no table',
        ],
        ['a table that is not there', '', ['--table', 'app.nosuch'], 2, 'the database has no table app.nosuch'],
        [
          'a view alone',
          "create view email_jobs as select 1 as id, 'new' as status, 1 as attempts, '{}' as payload",
          [],
          2,
          'no table of this database looks like a queue',
        ],
        [
          'Solid Queue',
          'create table solid_queue_jobs (id bigserial primary key, queue_name text, class_name text, arguments text, finished_at timestamp, scheduled_at timestamp, priority int)',
          [],
          2,
          'Solid Queue (in public) keeps the state of a job in which of its tables has the row',
        ],
        ['a flag of --detect', '', ['--table'], 2, ''],
      ],
      3,
    ),
  )('is none for %s', async (_, statements, flags, code, says) => {
    await sql.unsafe(statements)
    const found = await detect(...flags)
    expect(found).toMatchObject({ code, out: '', err: expect.stringContaining(says) })
    expect(found.err).not.toContain('    at ')
  })

  it('needs the right to read the table, and says the GRANT', async () => {
    await sql.unsafe(`
      create schema app; create table app.email_jobs (id bigserial primary key, status text, attempts int, payload jsonb, created_at timestamptz);
      create role detect_reader login; grant usage on schema app to detect_reader; grant select (id, status) on app.email_jobs to detect_reader`)
    const url = Object.assign(new URL(database.env.JOBS_DB_URL ?? ''), { username: 'detect_reader', password: '' })
    const { code, out, err } = await runServer(['init', '--detect'], { JOBS_DB_URL: url.href })
    await sql`grant select on app.email_jobs to detect_reader`
    const granted = await runServer(['init', '--detect'], { JOBS_DB_URL: url.href })
    await sql.unsafe('drop owned by detect_reader; drop role detect_reader')
    expect({ code, out }).toEqual({ code: 4, out: '' })
    expect(err).toContain('grant select on table app.email_jobs to detect_reader;')
    expect(granted.code).toBe(0)
  })
})
