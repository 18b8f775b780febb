import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { emptyDatabase, type TestDatabase } from '../../support/database/database.ts'
import { startServer } from '../../support/programs/built.ts'
import { runServer } from '../../support/programs/spawn-server.ts'

const pgBoss = `
  create schema pgboss;
  create type pgboss.job_state as enum ('created', 'completed');
  create table pgboss.version (version int primary key);
  insert into pgboss.version values (46);
  create table pgboss.queue (name text primary key);
  create table pgboss.job (id uuid, name text, state pgboss.job_state, start_after timestamptz, primary key (name, id)) partition by list (name);
  create table pgboss.j1 partition of pgboss.job for values in ('mail')`

describe('records beside the jobs of another engine', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  beforeEach(async () => {
    database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    await sql.unsafe(pgBoss)
  })
  afterEach(async () => {
    await sql.end()
    await database.drop()
  })

  const run = (...argv: string[]) => runServer(argv, { ...database.env, PORT: '0', SINGLE_USER_API_KEY: 'key' })
  const tablesOf = async (schema: string) =>
    (
      await sql<{ name: string }[]>`
        select relname as name
        from pg_class
        join pg_namespace on pg_namespace.oid = relnamespace
        where nspname = ${schema} and relkind in ('r', 'p')
        order by name`
    ).map(({ name }) => name)

  it('are made in a schema of their own, without a table of jobs, and once', async () => {
    const before = await tablesOf('pgboss')
    const script = await run('migrate', '--engine', 'pg-boss', '--dry-run')
    expect(script).toMatchObject({ code: 0, err: '' })
    expect(await tablesOf('jobsctl')).toEqual([])
    const made = await run('migrate', '--engine', 'pg-boss')
    expect(made).toMatchObject({ code: 0, err: '', out: script.out })
    const tables = await tablesOf('jobsctl')
    expect(tables).toEqual(
      expect.arrayContaining(['job_operations', 'job_events', 'jobsctl_settings', 'pgboss_archive']),
    )
    for (const name of ['jobs', 'job_dependencies', 'jobs_archive', 'job_attachments', 'job_queue_controls'])
      expect(tables).not.toContain(name)
    expect(await run('migrate', '--engine', 'pg-boss')).toMatchObject({ code: 0, err: '', out: '' })
    expect(await run('migrate')).toMatchObject({ code: 0, err: '', out: '' })
    expect([await tablesOf('pgboss'), await tablesOf('public')]).toEqual([before, []])
  })

  it('are what psql makes of the printed SQL', async () => {
    const { out } = await run('migrate', '--engine', 'pg-boss', '--dry-run')
    await sql.unsafe(out)
    expect(await run('migrate', '--engine', 'pg-boss')).toMatchObject({ code: 0, err: '', out: '' })
  })

  it('get the columns that the engine has added to its jobs since', async () => {
    await run('migrate', '--engine', 'pg-boss')
    await sql.unsafe('alter table pgboss.job add column "Odd name" jsonb, add column priority int')
    expect(await run('migrate', '--engine', 'pg-boss')).toMatchObject({ code: 0, err: '' })
    const columns = await sql<{ name: string; type: string }[]>`
      select attname as name, format_type(atttypid, null) as type
      from pg_attribute
      where attrelid = 'jobsctl.pgboss_archive'::regclass and attnum > 3
      order by attnum`
    expect(columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'id uuid',
      'name text',
      'state text',
      'start_after timestamp with time zone',
      'Odd name jsonb',
      'priority integer',
    ])
  })

  it('of an older version are brought up to date by a server with JOBS_MIGRATE=true alone', async () => {
    await run('migrate', '--engine', 'pg-boss')
    await sql.unsafe('alter table jobsctl.job_events drop column job_key cascade')
    const lacking = () => sql`
      select from pg_attribute where attrelid = 'jobsctl.job_events'::regclass and attname = 'job_key' and not attisdropped`
    for (const JOBS_MIGRATE of ['', 'false'])
      expect(
        await runServer([], { ...database.env, PORT: '0', SINGLE_USER_API_KEY: 'key', JOBS_MIGRATE }),
      ).toMatchObject({
        code: 2,
        err: expect.stringMatching(/lack .*job_key.*jobs-server migrate --engine pg-boss/s),
      })
    expect(await lacking()).toHaveLength(0)
    const env = { ...database.env, SINGLE_USER_API_KEY: 'key', JOBS_MIGRATE: 'true' }
    const both = await Promise.all([startServer(env), startServer(env)])
    await Promise.all(both.map(({ prepared }) => prepared))
    expect(await lacking()).toHaveLength(1)
    await Promise.all(both.map((server) => server.stop()))
    expect(await run('migrate', '--engine', 'pg-boss')).toMatchObject({ code: 0, out: '' })
    expect(await tablesOf('jobsctl')).not.toContain('jobs')
  })

  it('are not made over the tables of somebody else', async () => {
    await sql.unsafe('create schema jobsctl; create table jobsctl.jobs (x int); insert into jobsctl.jobs values (1)')
    const { code, err } = await run('migrate', '--engine', 'pg-boss')
    expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining('has a table jobs') })
    expect(await sql`select * from jobsctl.jobs`).toMatchObject([{ x: 1 }])
  })

  it('are what commands need that work on tables of the server', async () => {
    expect(await run('token', 'create', 'ci')).toMatchObject({
      code: 2,
      err: expect.stringContaining('jobs-server migrate --engine pg-boss'),
    })
    await run('migrate', '--engine', 'pg-boss')
    expect(await run('token', 'create', 'ci')).toMatchObject({ code: 0 })
    expect(await run('freeze', '--reason', 'r')).toMatchObject({ code: 0 })
  })

  it('and the jobs are what grants are printed for, which psql takes', async () => {
    await sql.unsafe(`
      create table pgboss.job_dependency (child_name text); create table pgboss.instance (id uuid)`)
    const looks = await run('grants', '--look', '--role', 'Odd "role"')
    expect(looks).toMatchObject({ code: 0, err: '' })
    expect(looks.out).toContain('grant select on table pgboss.job to "Odd ""role"""')
    expect(looks.out).toContain('set default_transaction_read_only = on')
    expect(looks.out).not.toMatch(/insert|update|delete/)
    expect(await run('grants', '--role', 'app')).toMatchObject({ code: 2 })
    await run('migrate', '--engine', 'pg-boss')
    const changes = await run('grants', '--role', 'app')
    expect(changes.out).toContain('grant select, insert, update, delete on table pgboss.job to app')
    // An undo locks the rows of the archive, for which PostgreSQL asks for this right.
    expect(changes.out).toContain('grant select, insert, update, delete on table jobsctl.pgboss_archive to app')
    const role = `app_${Math.random().toString(36).slice(2)}`
    await sql.unsafe(`create role ${role}`)
    await sql.unsafe(changes.out.replaceAll(' to app;', ` to ${role};`))
    await sql.unsafe(`drop owned by ${role}; drop role ${role}`)
  })

  it('go by the SQL that uninstall prints, and nothing else does', async () => {
    await run('migrate', '--engine', 'pg-boss')
    const script = await run('uninstall')
    expect(script).toMatchObject({ code: 0, err: '' })
    expect(script.out).toContain('With it end 0 records and the undo of 0 changes')
    await sql.unsafe('create table jobsctl.theirs (x int)')
    await expect(sql.unsafe(script.out)).rejects.toThrow('cannot drop schema jobsctl')
    await sql.unsafe('rollback; drop table jobsctl.theirs')
    expect(await tablesOf('jobsctl')).toContain('job_operations')
    const before = await tablesOf('pgboss')
    await sql.unsafe(script.out)
    expect([await tablesOf('jobsctl'), await tablesOf('pgboss')]).toEqual([[], before])
    expect(await sql`select from pg_namespace where nspname = 'jobsctl'`).toHaveLength(0)
    expect(await run('uninstall')).toMatchObject({ code: 0, out: '' })
    expect(await run('schema')).toMatchObject({
      code: 2,
      err: expect.stringContaining('--dry-run prints what is missing'),
    })
  })
  it.each([
    [
      'an engine',
      async () => {
        await run('migrate', '--engine', 'pg-boss')
        await sql.unsafe('drop schema pgboss cascade')
      },
      'pg-boss',
    ],
    [
      'a table of a map',
      async () => {
        await sql.unsafe(
          'create schema app; create table app.mails (id bigint primary key, state text, made timestamptz)',
        )
        const folder = await mkdtemp(join(tmpdir(), 'jobs-gone-'))
        const map = join(folder, 'map.yaml')
        await writeFile(
          map,
          'table: app.mails\ndomain: mails\nkey: id\nqueue: all\nstatus: {column: state, map: {done: completed}}\ntimes: {created: made}\n',
        )
        expect(await run('migrate', '--engine', 'mapped', '--map', map)).toMatchObject({ code: 0, err: '' })
        await rm(folder, { recursive: true })
        await sql.unsafe('drop table app.mails')
      },
      'mapped',
    ],
  ] as const)('go where %s is not there any more', async (_what, prepare, engine) => {
    await prepare()
    const script = await run('uninstall')
    expect(script).toMatchObject({ code: 0, err: '', out: expect.stringContaining(`beside the jobs of ${engine}.`) })
    await sql.unsafe(script.out)
    expect(await sql`select from pg_namespace where nspname = 'jobsctl'`).toHaveLength(0)
  })
})
