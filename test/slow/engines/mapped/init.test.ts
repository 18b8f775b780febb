import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emptyDatabase, type TestDatabase } from '../../../support/database/database.ts'
import { emailMap, fillEmailJobs, makeEmailJobs, mapFile } from '../../../support/engines/mapped.ts'
import { runServer } from '../../../support/programs/spawn-server.ts'
import { sampled } from '../../../support/sample.ts'

describe('the map of a table', () => {
  let database: TestDatabase
  let sql: postgres.Sql
  beforeAll(async () => {
    database = await emptyDatabase()
    sql = postgres(database.env.JOBS_DB_URL ?? '', { max: 1, onnotice: () => {} })
    await makeEmailJobs(sql, 'bigint')
    await fillEmailJobs(sql, 200)
    await sql`create index email_jobs_ended on app.email_jobs (updated_at)`
  })
  afterAll(async () => {
    await sql.end()
    await database.drop()
  })

  const check = async (text: string) =>
    runServer(['init', '--check', '--map', await mapFile(text)], {
      ...database.env,
      PORT: '0',
      SINGLE_USER_API_KEY: 'key',
    })
  const objects = () =>
    sql`select oid::int, relname from pg_class where relnamespace not in ('pg_toast'::regnamespace) order by oid`

  it('is told to fit, with the index of each call, and nothing is made', async () => {
    const before = await objects()
    const { code, out, err } = await check(emailMap)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('fits app.email_jobs: domain app, key id (int8)')
    expect(out).toContain('\nstats reads the whole table\n')
    expect(out).toContain('\nlist --status failed uses the index email_jobs_state\n')
    expect(out).toContain('\nprune uses the index email_jobs_ended\n')
    expect(out).toContain('\nshow uses the index email_jobs_pkey\n')
    expect(out).toContain('no callback of your application runs')
    expect(await objects()).toEqual(before)
  })

  it.each(
    sampled(
      [
        [
          'a table that is not there',
          ['app.email_jobs', 'app.nosuch'],
          ':1:8: table: the database has no table app.nosuch',
        ],
        [
          'a column that is not there',
          ['column: kind', 'column: kin'],
          ':4:20: job_type.column: app.email_jobs has no column kin; it has id, queue,',
        ],
        [
          'a key that is not unique',
          ['key: id', 'key: queue'],
          ':2:6: key: no unique index of app.email_jobs has the column queue alone',
        ],
        ['a key of another type', ['key: id', 'key: state2'], ':2:6: key: app.email_jobs has no column state2'],
        [
          'a time that is none',
          ['due: run_after', 'due: tags'],
          ':6:35: times.due: the column tags is of type _text, and must be a time',
        ],
        [
          'a value of another type',
          ['0: queued', '0: queued, four: cancelled'],
          ':5:42: status.map.four: is no value of the column state, which is of type int2',
        ],
        [
          'a value that no job may have',
          ['1: processing, ', ''],
          ':5:9: status: app.email_jobs has jobs that the map gives no state: 1 (40)',
        ],
        [
          'a retry that queues nothing',
          ['{state: 0, tries', '{state: 2, tries'],
          ':14:14: retry.set: makes jobs completed, and must make them queued',
        ],
        [
          'a generated column',
          ['{state: 4,', '{length: 3, state: 4,'],
          ':15:16: cancel.set.length: is a column that no change may set',
        ],
        [
          'null where there is none',
          ['tries: 0,', 'tries: null,'],
          ':14:32: retry.set.tries: the column tries is not null',
        ],
        ['a prune without the time of the end', [', ended: updated_at', ''], ':16:1: prune: needs times.ended'],
        ['a zone that is none', ['key: id', 'key: id\nzone: Mars/Base'], ':3:7: zone: is no time zone'],
      ],
      4,
    ),
  )('is refused with line and column for %s', async (_, [from, to], message) => {
    const { code, out, err } = await check(emailMap.replace(from ?? '', to ?? ''))
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain(`jobs-map.yaml${message}`)
    expect(err).not.toContain('    at ')
  })

  it('is warned of triggers that fire and of unique indexes that may refuse a retry', async () => {
    await sql.unsafe(`
      create function app.touch() returns trigger language plpgsql as 'begin new.updated_at = now(); return new; end';
      create trigger touch before update on app.email_jobs for each row execute function app.touch();
      create unique index one_each on app.email_jobs (tenant, kind, id) where state = 0`)
    const { code, err } = await check(emailMap)
    await sql.unsafe('drop trigger touch on app.email_jobs; drop index app.one_each')
    expect(code).toBe(0)
    expect(err).toContain('warning: the trigger touch of app.email_jobs fires at update')
    expect(err).toContain(
      'warning: the unique index one_each may refuse a retry, which passes over the job, or a cancel, which ends there',
    )
  })

  it('is warned of a trigger of one partition', async () => {
    await sql.unsafe(`
      create table app.items (id bigint primary key, state int not null default 0, created_at timestamptz not null) partition by hash (id);
      create table app.items_0 partition of app.items for values with (modulus 2, remainder 0);
      create table app.items_1 partition of app.items for values with (modulus 2, remainder 1);
      create function app.keep() returns trigger language plpgsql as 'begin return new; end';
      create trigger each before update on app.items for each row execute function app.keep();
      create trigger odd before update on app.items_1 for each row execute function app.keep()`)
    const map = ['table: app.items', 'key: id', 'queue: mail', 'status: {column: state, map: {0: queued}}']
    const { code, err } = await check([...map, 'times: {created: created_at}', ''].join('\n'))
    await sql.unsafe('drop table app.items; drop function app.keep')
    expect(code).toBe(0)
    expect(err.match(/the trigger .* fires at update/g)).toEqual([
      'the trigger each of app.items fires at update',
      'the trigger odd of app.items_1 fires at update',
    ])
  })

  it('gives no prune where rows of other tables refer to jobs, and no change without its lock version', async () => {
    await sql`create table app.deliveries (job_id bigint references app.email_jobs on delete cascade)`
    const referred = await check(emailMap)
    expect(referred.out).toContain('prune: no, rows of app.deliveries refer to jobs by a foreign key')
    expect(referred.err).toContain(
      'warning: rows of app.deliveries refer to app.email_jobs by a foreign key: no job is pruned',
    )
    await sql.unsafe(`
      drop table app.deliveries;
      create table app.tenants (name text primary key);
      insert into app.tenants select distinct tenant from app.email_jobs;
      alter table app.email_jobs add constraint of_tenant foreign key (tenant) references app.tenants`)
    expect((await check(emailMap)).err).toContain(
      'warning: app.email_jobs refers to app.tenants by a foreign key: the undo of a prune keeps back a job',
    )
    await sql.unsafe('alter table app.email_jobs drop constraint of_tenant; drop table app.tenants')
    const { out } = await check(emailMap.replace('lock_version: lock_version\n', ''))
    expect(out).toContain('changes: none, since app.email_jobs has a column lock_version that the map does not name')
  })

  it('is refused where row-level security would hide jobs', async () => {
    await sql.unsafe(`
      create role mapped_reader login; grant usage on schema app to mapped_reader; grant select on app.email_jobs to mapped_reader;
      alter table app.email_jobs enable row level security`)
    const url = new URL(database.env.JOBS_DB_URL ?? '')
    url.username = 'mapped_reader'
    url.password = ''
    const { code, err } = await runServer(['init', '--check', '--map', await mapFile(emailMap)], {
      JOBS_DB_URL: url.href,
    })
    await sql.unsafe(
      'alter table app.email_jobs disable row level security; drop owned by mapped_reader; drop role mapped_reader',
    )
    expect(code).toBe(2)
    expect(err).toContain('row-level security hides rows of app.email_jobs')
  })

  it('is what --map names, and is missing where nothing does', async () => {
    const none = await runServer(['--engine', 'mapped'], { ...database.env, PORT: '0', SINGLE_USER_API_KEY: 'key' })
    expect(none).toMatchObject({ code: 2, err: expect.stringContaining('there is no map of a table') })
    const away = await runServer(['--map', '/nowhere/map.yaml'], {
      ...database.env,
      PORT: '0',
      SINGLE_USER_API_KEY: 'key',
    })
    expect(away).toMatchObject({ code: 2, err: expect.stringContaining('the map /nowhere/map.yaml') })
  })
})
