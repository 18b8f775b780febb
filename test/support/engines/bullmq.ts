import { createHash } from 'node:crypto'
import type postgres from 'postgres'

/** Versions of the tables that are read and changed. Between them BullMQ changes functions, not the tables of jobs. */
export const changedVersions = [5, 11] as const

interface Place {
  sql: postgres.Sql
  /** The highest number of its table of migrations. */
  version: number
  /** The name of the schema, unquoted. */
  schema?: string
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** Columns of `job`: times are milliseconds since 1970. */
const jobColumns = [
  ...[
    'queue text not null',
    'id text not null',
    'seq bigint not null',
    'name text not null',
    'state SCHEMA.job_state not null',
  ],
  ...["data jsonb not null default '{}'", "opts jsonb not null default '{}'", 'priority integer not null default 0'],
  ...['delay_ms bigint not null default 0', 'max_attempts integer not null default 1'],
  ...['attempts_made integer not null default 0', 'attempts_started integer not null default 0', 'progress jsonb'],
  ...['return_value jsonb', 'failed_reason text', 'stacktrace jsonb', 'deferred_failure text', 'processed_by text'],
  ...['added_at_ms bigint not null', 'process_at_ms bigint', 'processed_at_ms bigint', 'finished_at_ms bigint'],
  ...['lock_token text', 'locked_until_ms bigint', 'stalled_count integer not null default 0', 'dedup_id text'],
  ...['scheduler_id text', 'parent_queue text', 'parent_id text', 'parent_key text'],
  ...['pending_deps integer not null default 0', 'stalled_marked boolean not null default false'],
]

/** Makes the tables of BullMQ 6 as its migrations leave them, without its functions. */
export async function makeBullMq({ sql, version, schema = 'bullmq' }: Place): Promise<void> {
  const of = quoted(schema)
  await sql.unsafe(`
    create schema ${of};
    create type ${of}.job_state as enum ('waiting', 'active', 'completed', 'failed', 'delayed', 'waiting-children');
    create type ${of}.dep_status as enum ('pending', 'processed', 'ignored', 'failed');
    create sequence ${of}.job_seq;
    create sequence ${of}.event_seq;
    create table ${of}.migration (version integer primary key, name text not null);
    insert into ${of}.migration select n, 'step ' || n from generate_series(1, ${version}) as n;
    create table ${of}.meta (queue text, field text, value text, primary key (queue, field));
    create table ${of}.job (${jobColumns.map((column) => column.replace('SCHEMA', () => of)).join(', ')}, primary key (queue, id));
    create index job_ready_idx on ${of}.job (queue, priority, seq) where state = 'waiting';
    create index job_delayed_idx on ${of}.job (queue, process_at_ms) where state = 'delayed';
    create index job_active_idx on ${of}.job (queue, locked_until_ms) where state = 'active';
    create index job_finished_idx on ${of}.job (queue, state, finished_at_ms) where state in ('completed', 'failed');
    create index job_waiting_children_idx on ${of}.job (queue, seq) where state = 'waiting-children';
    create index job_parent_idx on ${of}.job (parent_queue, parent_id) where parent_id is not null;
    create table ${of}.job_log (
      queue text, job_id text, idx bigint, row text not null, primary key (queue, job_id, idx),
      foreign key (queue, job_id) references ${of}.job on delete cascade
    );
    create table ${of}.job_dependency (
      parent_queue text, parent_id text, child_queue text not null, child_id text not null, child_key text,
      status ${of}.dep_status not null default 'pending', value jsonb, primary key (parent_queue, parent_id, child_key),
      foreign key (parent_queue, parent_id) references ${of}.job on delete cascade
    );
    create index dep_child_idx on ${of}.job_dependency (child_queue, child_id);
    create table ${of}.event (
      queue text, id bigint default nextval('${of.replaceAll("'", "''")}.event_seq'), event text not null, data jsonb not null,
      created_at_ms bigint not null, primary key (queue, id)
    );
    create table ${of}.dedup (queue text, dedup_id text, job_id text not null, expire_at_ms bigint, primary key (queue, dedup_id));
    create table ${of}.rate_limit (queue text primary key, points bigint not null default 0, expire_at_ms bigint not null);
    create table ${of}.dedup_next (queue text, dedup_id text, payload jsonb not null, primary key (queue, dedup_id));
    create table ${of}.scheduler (
      queue text, scheduler_id text, next_run_ms bigint, end_date_ms bigint, limit_count integer, iteration_count integer not null default 0,
      primary key (queue, scheduler_id)
    )`)
}

/** Makes the sequence of a queue's ids, and gives out ids up to a number. */
export async function countIds({ sql, schema = 'bullmq' }: Omit<Place, 'version'>, queue: string, last: number) {
  const sequence = `${quoted(schema)}.bullmq_jid_${createHash('md5').update(queue).digest('hex')}`
  await sql.unsafe(`create sequence ${sequence}; select setval('${sequence.replaceAll("'", "''")}', ${last})`)
}

/** Names of queues with everything that a name may have, but for the colon that BullMQ takes for its own keys. */
export const oddQueues = { plain: 'mail', odd: `a/b "c" 'd' é%20\u0007x;--`, long: 'q'.repeat(200) }

/** The states of the jobs that `fillBullMq` makes. */
const states = ['waiting', 'delayed', 'active', 'completed', 'failed']

/** How many jobs of each state each queue gets. */
export const jobsOfState = 10

/**
 * Fills three queues with jobs in every state, of two names, and a queue of flows: a parent that waits for a child, and a parent that failed
 * with its child.
 */
export async function fillBullMq(place: Place): Promise<void> {
  const { sql, schema = 'bullmq' } = place
  const { plain, odd, long } = oddQueues
  const of = (table: string) => sql(`${schema}.${table}`)
  await sql`
    insert into ${of('job')} (
      queue, id, seq, name, state, data, priority, delay_ms, attempts_made, attempts_started, return_value, failed_reason, stacktrace,
      processed_by, added_at_ms, process_at_ms, processed_at_ms, finished_at_ms, lock_token, locked_until_ms
    )
    select
      queue, ((nth - 1) * ${jobsOfState} + n)::text, nextval(${`${quoted(schema)}.job_seq`}::text::regclass),
      case n % 2 when 0 then 'welcome' else 'digest' end, state::${sql(`${schema}.job_state`)},
      jsonb_build_object('n', n, 'to', 'user' || n || '@example.com'), n % 3, case when state = 'delayed' then 3600000 else 0 end,
      case when state in ('completed', 'failed') then 1 else 0 end, case when state in ('waiting', 'delayed') then 0 else 1 end,
      case when state = 'completed' then '{"ok": true}'::jsonb end,
      case when state = 'failed' then 'no answer from 10.0.0.' || n end,
      case when state = 'failed' then '["Error: no answer"]'::jsonb end,
      case when state = 'active' then 'worker 1' end,
      added, case when state = 'delayed' then at + 3600000 end,
      case when state in ('active', 'completed', 'failed') then added + 1000 end,
      case when state in ('completed', 'failed') then added + 60000 end,
      case when state = 'active' then 'token ' || n end, case when state = 'active' then at + 30000 end
    from unnest(array[${plain}::text, ${odd}, ${long}]) as names (queue)
    cross join unnest(${states}::text[]) with ordinality as states (state, nth)
    cross join generate_series(1, ${jobsOfState}::int) as n
    cross join lateral (select (extract(epoch from now()) * 1000)::bigint as at) as now
    cross join lateral (select at - n * 3600000 - nth * 60000 as added) as times`
  for (const queue of [plain, odd, long]) await countIds(place, queue, states.length * jobsOfState)
  await sql`
    insert into ${of('job_log')} (queue, job_id, idx, row)
    select ${plain}, '50', n, 'line ' || n from generate_series(0, 119) as n`
  await sql`
    insert into ${of('job')} (queue, id, seq, name, state, pending_deps, added_at_ms, finished_at_ms, parent_queue, parent_id, parent_key, failed_reason)
    select
      queue, id, 1000 + nth, 'step', state::${sql(`${schema}.job_state`)}, pending, at - 86400000 * 3,
      case when state in ('failed', 'completed') then at - 86400000 * 2 end, parent_queue, parent_id, parent_queue || ':' || parent_id,
      case when state = 'failed' then 'broken' end
    from (values
      ('flows', 'waits', 'waiting-children', 1, null, null, 1), ('steps', 'fresh', 'waiting', 0, 'flows', 'waits', 2),
      ('steps', 'done', 'completed', 0, 'flows', 'waits', 3),
      ('flows', 'broken', 'failed', 0, null, null, 4), ('steps', 'culprit', 'failed', 0, 'flows', 'broken', 5)
    ) as jobs (queue, id, state, pending, parent_queue, parent_id, nth)
    cross join (select (extract(epoch from now()) * 1000)::bigint as at) as now`
  await sql`
    insert into ${of('job_dependency')} (parent_queue, parent_id, child_queue, child_id, child_key, status, value)
    values
      ('flows', 'waits', 'steps', 'fresh', 'steps:fresh', 'pending', null), ('flows', 'waits', 'steps', 'done', 'steps:done', 'processed', '1'),
      ('flows', 'broken', 'steps', 'culprit', 'steps:culprit', 'failed', '"broken"')`
}
