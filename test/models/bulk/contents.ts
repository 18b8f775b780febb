import fc from 'fast-check'
import type { Pool } from '../../../server/database/sql.ts'

const text = fc.oneof(
  fc.constantFrom('', ' ', 'NULL', "'", '\\', '"{}"', 'Überblick 📚', '\u200f\u2028', 'a\tb\nc'),
  fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.replaceAll('\0', '')),
)
const perhaps = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null })

/** JSON as PostgreSQL keeps it: numbers of any size and with their zeros, and every nesting. */
const json = fc.oneof(
  fc.constantFrom(
    'null',
    '1.500',
    '123456789012345678901234567890.000000001',
    '-0.0',
    '1e-30',
    '[]',
    '{}',
    '"\\u00e9"',
  ),
  fc.json({ maxDepth: 3 }).filter((text) => !text.includes('\\u0000') && !/\\ud[89a-f]/i.test(text)),
)

const time = fc.constantFrom(
  '2001-02-03 04:05:06.789012+00',
  '1999-12-31 23:59:59.999999+00',
  '-infinity',
  '0044-03-15 00:00:00+00 BC',
)

const content = fc.record({
  status: fc.constantFrom('completed', 'failed', 'cancelled'),
  owner_user_id: perhaps(text),
  payload: perhaps(json),
  result: perhaps(json),
  error_stack: perhaps(json),
  error_message: perhaps(text),
  lease_id: perhaps(text),
  completed_at: time,
  available_at: perhaps(fc.oneof(time, fc.constant('infinity'))),
  progress_percent: perhaps(fc.constantFrom('0', '0.1', '33.3333', '100')),
  priority: perhaps(fc.integer({ min: 1, max: 10 })),
  idempotent: fc.boolean(),
  has_uuid: fc.boolean(),
  cost: perhaps(fc.constantFrom('0.10', 'NaN', '1e100', '-12345678901234567890.0001')),
  share: perhaps(fc.constantFrom('Infinity', '-0', '0.1', '1e-300')),
  raw: perhaps(fc.constantFrom('\\x', '\\x00ff', '\\xdeadbeef')),
  tags: perhaps(fc.constantFrom('{}', '{a,NULL,"b c"}', '[5:6]={x,y}', '{{1,2},{3,4}}')),
  took: perhaps(fc.constantFrom('1 mon -3 days 04:05:06.789', '00:00:00')),
  source: perhaps(fc.constantFrom('{"a": 1,  "a":2}', ' [1, 2 ]')),
  code: perhaps(fc.constantFrom('ab   ', 'c')),
  net: perhaps(fc.constantFrom('10.0.0.0/8', '::1/128')),
  span: perhaps(fc.constantFrom('empty', '[1,5)', '(,3)')),
  mood: perhaps(fc.constantFrom('good', 'Bad Mood')),
  attachments: fc.array(fc.record({ kind: text, content_text: perhaps(text) }), { maxLength: 3 }),
  /** Of which others, counted from it, by their place; itself is one of them. */
  needs: fc.uniqueArray(fc.nat(5), { maxLength: 3 }),
})
export const contents = fc.array(content, { minLength: 1, maxLength: 6 })
type Contents = typeof contents extends fc.Arbitrary<infer T> ? T : never

/** What another program may have added: types of all kinds, and columns that are made from others. */
export const addOddColumns = (sql: Pool) =>
  sql.unsafe(`
    create type "Mood" as enum ('good', 'Bad Mood');
    create domain short as text check (length(value) < 1000);
    alter table jobs
      add column cost numeric, add column share double precision, add column raw bytea, add column tags text[],
      add column took interval, add column source json, add column code char(5), add column net cidr,
      add column span int4range, add column mood "Mood", add column "Odd ""name""" short default 'ödd',
      add column gone text, add column length integer generated always as (length(domain)) stored;
    alter table jobs drop column gone;
    alter table job_attachments
      add column size integer generated always as (length(content_text)) stored, add column gone text, add column "of" numeric;
    alter table job_attachments drop column gone;
    alter table job_dependencies add column "Why" text default 'because', add column same text generated always as (job_uuid) stored`)

/** Inserts these jobs, their attachments, and the edges between them and to jobs that never were. */
export async function insertContents(sql: Pool, jobs: Contents): Promise<void> {
  const rows = jobs.map((job, nth) => ({
    ...job,
    uuid: job.has_uuid ? `uuid-${nth}` : null,
    idempotency_key: job.idempotent ? `key ${nth}` : null,
    json: { payload: job.payload, result: job.result, error_stack: job.error_stack },
  }))
  await sql`
    insert into jobs (
      uuid, domain, queue, job_type, created_at, status, owner_user_id, payload, result, error_stack, error_message, lease_id,
      completed_at, available_at, progress_percent, priority, idempotency_key, cost, share, raw, tags, took, source, code,
      net, span, mood
    )
    select
      r.uuid, 'chatbooks', 'q' || nth, 't', '2000-01-01', r.status, r.owner_user_id, r.payload::text::jsonb, r.result::text::jsonb,
      r.error_stack::text::jsonb, r.error_message, r.lease_id, r.completed_at, r.available_at, r.progress_percent, r.priority,
      r.idempotency_key, r.cost, r.share, r.raw, r.tags::text[], r.took, r.source::text::json, r.code, r.net, r.span, r.mood
    from rows from (jsonb_to_recordset(${JSON.stringify(rows)}::text::jsonb) as (
      uuid text, status text, owner_user_id text, payload text, result text, error_stack text, error_message text, lease_id text,
      completed_at timestamptz, available_at timestamptz, progress_percent real, priority integer, idempotency_key text,
      cost numeric, share double precision, raw bytea, tags text, took interval, source text, code char(5), net cidr,
      span int4range, mood "Mood"
    )) with ordinality as r (
      uuid, status, owner_user_id, payload, result, error_stack, error_message, lease_id, completed_at, available_at,
      progress_percent, priority, idempotency_key, cost, share, raw, tags, took, source, code, net, span, mood, nth
    )`
  const hung = jobs.flatMap(({ attachments }, nth) =>
    attachments.map((attachment) => ({ ...attachment, queue: `q${nth + 1}` })),
  )
  await sql`
    insert into job_attachments (job_id, kind, content_text, "of")
    select jobs.id, r.kind, r.content_text, 1.50
    from jsonb_to_recordset(${JSON.stringify(hung)}::text::jsonb) as r (queue text, kind text, content_text text)
    join jobs using (queue)`
  const edges = jobs.flatMap(({ needs }, nth) =>
    needs.map((step) => [`uuid-${nth}`, `uuid-${(nth + step) % (jobs.length + 1)}`]),
  )
  await sql`
    insert into job_dependencies (job_uuid, depends_on_job_uuid)
    select edge ->> 0, edge ->> 1 from jsonb_array_elements(${JSON.stringify(edges)}::text::jsonb) as edge
    where exists (select from jobs where uuid in (edge ->> 0, edge ->> 1))
    on conflict do nothing`
}

/** Every value of every row of the jobs and of what hangs on them, as PostgreSQL writes it. */
export async function everything(sql: Pool): Promise<string[]> {
  const rows = await sql<{ line: string }[]>`
    select 'job ' || jobs::text || to_jsonb(jobs)::text as line from jobs
    union all select 'attachment ' || a::text from job_attachments a
    union all select 'edge ' || d::text from job_dependencies d`
  return rows.map(({ line }) => line).sort()
}
