import { describe, expect, it } from 'vitest'
import { type Names, qualified, WriteOfSource } from '../../../server/database/connection/qualify.ts'

const tables = new Set(['jobs', 'job_events', 'jobs_archive', 'jobsctl_counts', 'jobsctl_counting', 'jobsctl_x'])
const names: Names = {
  schema: '"s"',
  tables,
  functions: new Set(['now', 'count', 'substring', 'to_regclass', 'char', 'timestamp']),
  sources: new Map(),
  jobId: 'bigint',
}

describe('names in a statement', () => {
  it.each([
    [
      'select from jobs join job_events on jobs.id = job_id',
      'select from "s".jobs join "s".job_events on jobs.id = job_id',
    ],
    ['update jobs set x = 1 from (select 1) as jobs', 'update "s".jobs set x = 1 from (select 1) as jobs'],
    ['select a as on from jobs', 'select a as on from "s".jobs'],
    ['delete from jobs_archive using jobs', 'delete from "s".jobs_archive using "s".jobs'],
    [
      'insert into jobsctl_counts (a) values (count(*))',
      'insert into "s".jobsctl_counts (a) values (pg_catalog.count(*))',
    ],
    ['create index concurrently i on jobs (id)', 'create index concurrently i on "s".jobs (id)'],
    [
      'create trigger t after update on jobs execute function jobsctl_f()',
      'create trigger t after update on "s".jobs execute function "s".jobsctl_f()',
    ],
    ['analyze jobs', 'analyze "s".jobs'],
    ['vacuum (analyze, skip_locked) jobs', 'vacuum (analyze, skip_locked) "s".jobs'],
    ['vacuum jobs', 'vacuum "s".jobs'],
    ['create trigger t after truncate on jobs', 'create trigger t after truncate on "s".jobs'],
    ['alter table jobs add column if not exists jobs oid', 'alter table "s".jobs add column if not exists jobs oid'],
    ['create table if not exists jobsctl_x (a int)', 'create table if not exists "s".jobsctl_x (a int)'],
    ['join x on job_ref = x.id where kept.job_ref = y', 'join x on job_id = x.id where kept.job_id = y'],
    ['x::job_id, y::text::job_id[]', 'x::bigint, y::text::bigint[]'],
    ['null::jobs, x::text', 'null::"s".jobs, x::text'],
    ['on conflict do update set a = now()', 'on conflict do update set a = pg_catalog.now()'],
    ['select jobsctl_count_insert()', 'select "s".jobsctl_count_insert()'],
    [`to_regclass('pg_temp.x')`, `pg_catalog.to_regclass('pg_temp.x')`],
    [`to_regclass('jobs')`, `pg_catalog.to_regclass('"s".' || 'jobs')`],
  ])('%s', (text, expected) => expect(qualified(text, names)).toBe(expected))

  it.each([
    `'from jobs where now()'`,
    `'it''s from jobs'`,
    '"now"()',
    '-- from jobs, now()',
    '$$ begin insert into jobs; end $$',
    'from "other".jobs',
    'from other.jobs',
    'from jobs.x',
    'public.now()',
    'substring(a from 1)',
    'alter table x add column a char(10), add column b timestamp(3) with time zone',
    'tier (priority)',
    'unknown_function(1)',
    'create temporary table jobsctl_twin (like x)',
  ])('%s stays as it is', (text) => expect(qualified(text, names)).toBe(text))

  it('are rewritten no further the second time', () => {
    const text = 'select count(*) from jobs where at < now()'
    expect(qualified(qualified(text, names), names)).toBe(qualified(text, names))
  })
})

describe('a table that is read from a source', () => {
  const query = '(select 1 as id from e.job)'
  const over: Names = {
    ...names,
    sources: new Map([
      ['jobs', { query, relation: 'e.job' }],
      ['jobs_archive', { query: '(select where false)' }],
    ]),
    jobId: 'text',
  }

  it.each([
    ['select from jobs', `select from ${query} as jobs`],
    ['select from jobs where id = 1', `select from ${query} as jobs where id = 1`],
    ['select from jobs live where live.id = 1', `select from ${query} live where live.id = 1`],
    ['select from jobs as live', `select from ${query} as live`],
    ['from x join jobs on true', `from x join ${query} as jobs on true`],
    ['from x left join jobs using (id)', `from x left join ${query} as jobs using (id)`],
    ['(select from jobs)', `(select from ${query} as jobs)`],
    ['from jobs for update skip locked', `from ${query} as jobs for update skip locked`],
    [
      'from job_events join jobs_archive on true',
      'from "s".job_events join (select where false) as jobs_archive on true',
    ],
    ['x = any(y::text::job_id[]) and z::job_id', 'x = any(y::text::text[]) and z::text'],
    [`to_regclass('jobs')`, `pg_catalog.to_regclass('e.job')`],
    [`to_regclass('jobs_archive') is null`, 'pg_catalog.to_regclass(null::text) is null'],
    [`to_regclass('job_events')`, `pg_catalog.to_regclass('"s".' || 'job_events')`],
    ['select from other.jobs', 'select from other.jobs'],
    [`'update jobs set x = 1'`, `'update jobs set x = 1'`],
  ])('%s', (text, expected) => expect(qualified(text, over)).toBe(expected))

  it.each([
    'update jobs set x = 1',
    'delete from jobs where true',
    'delete\n  from jobs',
    'insert into jobs (id) values (1)',
    'insert into jobs_archive (id) values (1)',
    'merge into jobs using x on true',
    'lock table jobs in share mode',
    'truncate jobs',
    'truncate table jobs_archive',
    'alter table jobs add column x int',
    'create index on jobs (id)',
    'create trigger t after update on jobs execute function jobsctl_f()',
    'select null::jobs',
    'analyze jobs',
    'create table if not exists jobs_archive (like jobs)',
    'select from only jobs',
    'DELETE FROM jobs',
  ])('is not written: %s', (text) => expect(() => qualified(text, over)).toThrow(WriteOfSource))

  it('is named by job_id as a number where the jobs are our own', () => {
    expect(qualified('x::job_id', names)).toBe('x::bigint')
  })
})
