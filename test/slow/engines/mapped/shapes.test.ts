import type postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import * as z from 'zod'
import { type ServedTables, serveMapped } from '../../../support/engines/serve-tables.ts'
import { call } from '../../../support/http.ts'

const Answer = z.looseObject({
  operation_id: z.number(),
  affected: z.number().default(0),
  deleted: z.number().default(0),
})

/** Queues as people have them, each with 60 jobs, a third of them failed, and their maps. */
const shapes = [
  {
    name: 'delayed_job of Rails, whose state is in five nullable columns',
    domain: 'public',
    table: 'public.delayed_jobs',
    lockVersion: '',
    changes: ['retry', 'cancel', 'prune'],
    schema: `
      create table delayed_jobs (
        id bigserial primary key, priority integer not null default 0, attempts integer not null default 0, handler text not null,
        last_error text, run_at timestamp(6) without time zone, locked_at timestamp(6) without time zone,
        failed_at timestamp(6) without time zone, locked_by varchar, queue varchar,
        created_at timestamp(6) without time zone not null, updated_at timestamp(6) without time zone not null
      );
      create index delayed_jobs_priority on delayed_jobs (priority, run_at);
      insert into delayed_jobs (handler, attempts, last_error, run_at, locked_at, locked_by, failed_at, queue, created_at, updated_at)
      select E'--- !ruby/object:Job\\nid: ' || n || E'\\n', n % 3 * 5, case n % 3 when 2 then E'refused\\n/app/job.rb:3' end,
        timestamp '2026-01-01 10:00:00.123456', case n % 6 when 1 then now() at time zone 'utc' end, case n % 6 when 1 then 'host:a pid:7' end,
        case n % 3 when 2 then timestamp '2026-01-02 10:00:00.654321' end, case when n % 2 = 0 then 'mail' end,
        timestamp '2026-01-01 09:00', timestamp '2026-01-02 10:00'
      from generate_series(1, 60) as n`,
    map: `table: delayed_jobs
key: id
queue: {column: queue}
status:
  cancelled: {failed_at: not null, locked_by: cancelled}
  failed: {failed_at: not null}
  processing: {locked_at: not null}
  queued: {}
times: {created: created_at, due: run_at, started: locked_at, ended: failed_at}
error: {column: last_error}
payload: {column: handler}
priority: {column: priority}
attempts: {column: attempts}
locked_by: {column: locked_by}
retry: {set: {failed_at: null, attempts: 0, last_error: null, run_at: now(), locked_at: null, locked_by: null}}
cancel: {set: {failed_at: now(), locked_by: cancelled}}
prune: {of: [failed]}
`,
  },
  {
    name: 'the jobs of Laravel, whose times are seconds, and whose failed jobs are another table',
    domain: 'failed',
    table: 'public.failed_jobs',
    lockVersion: '',
    changes: ['prune'],
    schema: `
      create table jobs (
        id bigserial primary key, queue varchar(255) not null, payload text not null, attempts smallint not null, reserved_at integer,
        available_at integer not null, created_at integer not null
      );
      create index jobs_queue_index on jobs (queue);
      create table failed_jobs (
        id bigserial primary key, uuid varchar(255) not null unique, connection text not null, queue text not null, payload text not null,
        exception text not null, failed_at timestamp(0) without time zone not null default current_timestamp
      );
      insert into jobs (queue, payload, attempts, reserved_at, available_at, created_at)
      select 'default', '{"displayName": "App\\\\Jobs\\\\Mail", "n": ' || n || '}', 1, case n % 3 when 1 then 1767261600 end, 1767261600 + n, 1767261500
      from generate_series(1, 40) as n;
      insert into failed_jobs (uuid, connection, queue, payload, exception, failed_at)
      select gen_random_uuid(), 'database', 'default', '{"n":   ' || n || '}', 'Exception: refused', timestamp '2026-01-02 10:00'
      from generate_series(1, 20) as n`,
    map: `tables:
  - table: jobs
    domain: waiting
    key: id
    queue: {column: queue}
    status: {processing: {reserved_at: not null}, queued: {}}
    times: {created: created_at, due: available_at, started: reserved_at}
    payload: {column: payload}
    attempts: {column: attempts}
  - table: failed_jobs
    domain: failed
    key: uuid
    queue: {column: queue}
    status: {failed: {}}
    times: {created: failed_at, ended: failed_at}
    error: {column: exception}
    payload: {column: payload}
    prune: {of: [failed]}
`,
  },
  {
    name: 'a home-made one with an identity, generated and array columns, and a lock_version',
    domain: 'Work',
    table: '"Work"."Tasks"',
    lockVersion: 'lock_version',
    changes: ['retry', 'cancel', 'prune'],
    schema: `
      create schema "Work";
      create type "Work"."Pair" as (n integer, t text);
      create type "Work"."Stage" as enum ('new', 'busy', 'done', 'broken', 'gone');
      create table "Work"."Tasks" (
        "task id" bigint generated always as identity (start with 9007199254740000) primary key, stage "Work"."Stage" not null default 'new',
        "label" text generated always as (upper("what kind")) stored, "what kind" varchar(20) not null, flags bit(8) not null,
        mask bit varying, code char(6), marks numeric(12, 4)[] not null, notes jsonb[], words text[], at timestamptz not null, ended timestamptz,
        net inet, span tstzrange, money_spent money, wait interval day to second, doc json, pair "Work"."Pair", search tsvector,
        lock_version bigint not null default 3
      );
      create index on "Work"."Tasks" (stage);
      insert into "Work"."Tasks" (stage, "what kind", flags, mask, code, marks, notes, words, at, ended, net, span, money_spent, wait, doc, pair, search)
      select (array['broken', 'new', 'done', 'broken', 'new', 'busy'])[n % 6 + 1]::"Work"."Stage", 'kind ' || n % 2, (n % 256)::bit(8), B'10101',
        'ab', array[n, null, 1.5000], array['{"a": 1.50}', 'null']::jsonb[], array['x,y', '"', null, ''], '2026-01-01 10:00:00.123456+02',
        case when n % 6 in (0, 2, 3) then timestamptz '2026-01-02 10:00Z' end, '10.0.0.0/8', '[2026-01-01,)', n, '1 day 02:03:04.567',
        '{"é":  1, "é": 2}', row(n, 'a "b"'::text)::"Work"."Pair", to_tsvector('simple', 'one two')
      from generate_series(1, 60) as n`,
    map: `table: Work.Tasks
key: task id
queue: tasks
job_type: {column: label}
status: {column: stage, map: {new: queued, busy: processing, done: completed, broken: failed, gone: cancelled}}
times: {created: at, ended: ended}
lock_version: lock_version
retry: {set: {stage: new, ended: null, flags: '00000000'}}
cancel: {set: {stage: gone, ended: now()}}
prune: {of: [completed, failed]}
`,
  },
] as const

const requests = {
  retry: ['batch/retry', { status: ['failed'] }],
  cancel: ['batch/cancel', { status: ['queued'] }],
  prune: ['prune', { older_than_days: 1, statuses: ['failed'] }],
} as const

describe.each(shapes)('$name', ({ domain, table, lockVersion, changes, schema, map }) => {
  let served: ServedTables
  let sql: postgres.Sql
  beforeAll(async () => {
    served = await serveMapped(map, async (made) => {
      sql = made
      await sql.unsafe(schema)
      await sql.unsafe(`create table public.as_it_was as select * from ${table}`)
    })
  })
  afterAll(() => served.close())
  const post = (path: string, body: object) => served.post(path, body)
  /** How many rows are not, byte for byte, as they were, the lock version aside. */
  const differing = async () => {
    const columns = await sql<{ name: string }[]>`
      select quote_ident(attname) as name from pg_attribute
      where attrelid = ${table}::regclass and attnum > 0 and not attisdropped and attname <> ${lockVersion}`
    const of = (name: string) => `select row(${columns.map((column) => column.name).join(', ')})::text from ${name}`
    const [was, is] = [of('public.as_it_was'), of(table)]
    const [row] = await sql.unsafe<{ count: number }[]>(
      `select count(*)::int as count from ((${was} except all ${is}) union all (${is} except all ${was})) as rows`,
    )
    return row?.count
  }

  it.each(changes)('is changed by %s, and an undo gives every row back', async (change) => {
    const [path, request] = requests[change]
    const preview = await post(path, { ...request, domain, dry_run: true })
    expect(preview).toMatchObject({ status: 200 })
    const { status, body } = await post(path, { ...request, domain })
    expect({ status, body }).toMatchObject({ status: 200 })
    const { operation_id: operation, affected, deleted } = Answer.parse(body)
    const count = affected + deleted
    expect(count).toBeGreaterThan(15)
    expect(await differing()).toBeGreaterThanOrEqual(count)
    const undone = await post(`operations/${operation}/undo`, {})
    expect(undone).toMatchObject({ status: 200, body: { affected: count, conflict_count: 0 } })
    expect(await differing()).toBe(0)
    await sql`delete from jobsctl.jobsctl_held_jobs`
    await sql`delete from jobsctl.jobsctl_holds`
  })

  it('has each job in a state', async () => {
    const headers = { 'x-api-key': 'key' }
    const { body } = await call({ url: served.url, method: 'GET', path: '/api/v1/jobs/list?limit=1000', headers })
    const states = z
      .array(z.looseObject({ status: z.string() }))
      .parse(body)
      .map(({ status }) => status)
    expect(states).toHaveLength(60)
    expect(states).not.toContain('unmapped')
    expect(states.filter((state) => state === 'failed')).toHaveLength(20)
  })
})
