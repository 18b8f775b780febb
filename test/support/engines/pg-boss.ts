import { createHash } from 'node:crypto'
import type postgres from 'postgres'

/** The versions of the tables that are made here: those of pg-boss 10.4, 12.27 and 12.38. */
export type SchemaVersion = 24 | 37 | 46
export const schemaVersions: readonly SchemaVersion[] = [24, 37, 46]

interface Place {
  sql: postgres.Sql
  version: SchemaVersion
  /** The name of the schema, unquoted. */
  schema?: string
}

interface QueueOptions {
  policy?: string
  deadLetter?: string
  /** From 12 on: the queue has a partition of its own. */
  partition?: boolean
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** Columns of `job` in the versions that have them. */
const jobColumns: readonly (readonly [column: string, since: SchemaVersion, until?: SchemaVersion])[] = [
  ['id uuid not null default gen_random_uuid()', 24],
  ['name text not null', 24],
  ['priority integer not null default 0', 24],
  ['data jsonb', 24],
  ["state SCHEMA.job_state not null default 'created'", 24],
  ['retry_limit integer not null default 2', 24],
  ['retry_count integer not null default 0', 24],
  ['retry_delay integer not null default 0', 24],
  ['retry_backoff boolean not null default false', 24],
  ['retry_delay_max integer', 37],
  ["expire_in interval not null default '15 minutes'", 24, 24],
  ['expire_seconds integer not null default 900', 37],
  ['deletion_seconds integer not null default 604800', 37],
  ['singleton_key text', 24],
  ['singleton_on timestamp without time zone', 24],
  ['group_id text', 37],
  ['group_tier text', 37],
  ['start_after timestamptz not null default now()', 24],
  ['created_on timestamptz not null default now()', 24],
  ['started_on timestamptz', 24],
  ['completed_on timestamptz', 24],
  ["keep_until timestamptz not null default now() + interval '14 days'", 24],
  ['output jsonb', 24],
  ['dead_letter text', 24],
  ['policy text', 24],
  ['heartbeat_on timestamptz', 37],
  ['heartbeat_seconds integer', 37],
  ['blocked boolean not null default false', 37],
  ['blocking boolean not null default false', 37],
  ['pending_dependencies integer not null default 0', 37],
  ['source_name text', 37],
  ['source_id uuid', 37],
  ['source_created_on timestamptz', 37],
  ['source_retry_count integer', 37],
  ['source_output jsonb', 46],
  ['source_root_id uuid', 46],
  ['trace_context jsonb', 46],
  ['upsert_by_key boolean', 46],
]

/** Indexes of a table of jobs in the versions that have them. */
const jobIndexes: readonly (readonly [
  name: string,
  definition: string,
  since: SchemaVersion,
  until?: SchemaVersion,
])[] = [
  ['i1', `(name, coalesce(singleton_key, '')) where state = 'created' and policy = 'short'`, 24],
  ['i2', `(name, coalesce(singleton_key, '')) where state = 'active' and policy = 'singleton'`, 24],
  ['i3', `(name, state, coalesce(singleton_key, '')) where state <= 'active' and policy = 'stately'`, 24],
  [
    'i4',
    `(name, singleton_on, coalesce(singleton_key, '')) where state <> 'cancelled' and singleton_on is not null`,
    24,
  ],
  ['i5', `(name, start_after) include (priority, created_on, id) where state < 'active'`, 24, 24],
  ['i5', `(name, start_after) where state < 'active' and not blocked`, 37, 37],
  ['i6', `(name, coalesce(singleton_key, '')) where state <= 'active' and policy = 'exclusive'`, 37],
  ['i7', `(name, group_id) where state = 'active' and group_id is not null`, 37],
  ['i8', `(name, singleton_key) where state in ('active', 'retry', 'failed') and policy = 'key_strict_fifo'`, 37],
  ['i9', `(name, id) where blocking and state = 'completed'`, 37],
  ['i11', `(name, priority desc, created_on, start_after) where state < 'active' and not blocked`, 46],
  ['i12', `(source_root_id) where source_root_id is not null`, 46],
  ['i13', `(name, singleton_key) where state = 'created' and upsert_by_key`, 46],
  ['i14', `(name, state, blocked, start_after) where state in ('created', 'retry', 'active', 'failed')`, 46],
  ['i15', `(name, created_on)`, 46],
  ['i16', `(name, completed_on) where completed_on is not null`, 46],
  ['i17', `(name, singleton_key, created_on) where state < 'active' and singleton_key is not null`, 46],
]

const uniqueIndexes: readonly string[] = ['i1', 'i2', 'i3', 'i4', 'i6', 'i8', 'i13']

const isIn = (version: SchemaVersion, since: SchemaVersion, until: SchemaVersion = 46): boolean =>
  version >= since && version <= until

/** Makes the tables of pg-boss as a version of it has them, without its functions and without its tables for the package alone. */
export async function makePgBoss({ sql, version, schema = 'pgboss' }: Place): Promise<void> {
  const of = quoted(schema)
  const columns = jobColumns.flatMap(([column, since, until]) =>
    isIn(version, since, until) ? [column.replace('SCHEMA', () => of)] : [],
  )
  await sql.unsafe(`
    create schema ${of};
    create type ${of}.job_state as enum ('created', 'retry', 'active', 'completed', 'cancelled', 'failed');
    create table ${of}.version (version integer primary key, cron_on timestamptz);
    insert into ${of}.version values (${version});
    create table ${of}.queue (
      name text primary key,
      policy text,
      retry_limit integer default 2,
      retry_delay integer default 0,
      retry_backoff boolean default false,
      expire_seconds integer default 900,
      ${version === 24 ? 'retention_minutes integer, partition_name text,' : ''}
      ${
        version > 24
          ? `retry_delay_max integer, retention_seconds integer default 1209600, deletion_seconds integer default 604800,
             partition boolean default false, table_name text, heartbeat_seconds integer, notify boolean default false,`
          : ''
      }
      ${version > 37 ? 'retained_count integer, retained_on timestamptz, total_count integer not null default 0,' : ''}
      dead_letter text references ${of}.queue (name),
      created_on timestamptz not null default now(),
      updated_on timestamptz not null default now()
    );
    create table ${of}.job (${columns.join(', ')}) partition by list (name);
    alter table ${of}.job add primary key (name, id)`)
  if (version === 24) return
  await sql.unsafe(`
    create table ${of}.job_dependency (
      child_name text not null, child_id uuid not null, parent_name text not null, parent_id uuid not null,
      primary key (child_name, child_id, parent_name, parent_id)
    );
    create index job_dep_parent_idx on ${of}.job_dependency (parent_name, parent_id)`)
  await makeJobTable({ sql, version, schema }, 'job_common', 'default')
  if (version < 46) return
  await sql.unsafe(`
    create table ${of}.instance (
      id uuid primary key, name text, host text not null, pid integer not null, version text not null,
      heartbeat_seconds integer not null default 30, workers jsonb not null default '[]',
      started_on timestamptz not null default now(), heartbeat_on timestamptz not null default now(), stopped_on timestamptz
    )`)
}

/** Makes a queue, with a partition of its own where the version or the options say so. */
export async function makeQueue(place: Place, name: string, options: QueueOptions = {}): Promise<void> {
  const { sql, version, schema = 'pgboss' } = place
  const { policy = 'standard', deadLetter = null, partition = version === 24 } = options
  const table = `j${createHash('sha224').update(name).digest('hex')}`
  await sql`insert into ${sql(`${schema}.queue`)} ${sql({ name, policy, dead_letter: deadLetter })}`
  if (version > 24)
    await sql`
      update ${sql(`${schema}.queue`)} set partition = ${partition}, table_name = ${partition ? table : 'job_common'}
      where name = ${name}`
  if (partition) await makeJobTable(place, table, `for values in ('${name.replaceAll("'", "''")}')`)
}

async function makeJobTable({ sql, version, schema = 'pgboss' }: Place, table: string, bounds: string): Promise<void> {
  const of = quoted(schema)
  await sql.unsafe(`
    create table ${of}.${table} partition of ${of}.job ${bounds};
    alter table ${of}.${table}
      add constraint q_fkey foreign key (name) references ${of}.queue (name) on delete restrict deferrable initially deferred,
      add constraint dlq_fkey foreign key (dead_letter) references ${of}.queue (name) on delete restrict deferrable initially deferred`)
  for (const [name, definition, since, until] of jobIndexes) {
    if (!isIn(version, since, until)) continue
    const unique = uniqueIndexes.includes(name) ? 'unique' : ''
    await sql.unsafe(`create ${unique} index ${table}_${name} on ${of}.${table} ${definition}`)
  }
}

/** Names of queues with everything that a name may have: none of them has a letter that a key or a URL takes as it is. */
export const oddQueues = {
  plain: 'mail',
  dead: 'dead letters',
  odd: `a/b "c" 'd' é%20\u0007x;--`,
  long: 'q'.repeat(200),
}

/**
 * Fills the queues of `oddQueues`: jobs in every state, a job for later, one with retries left, and where the version has them a blocked job
 * and dead letters of `mail`.
 */
export async function fillPgBoss(place: Place): Promise<void> {
  const { sql, version, schema = 'pgboss' } = place
  const { plain, dead, odd, long } = oddQueues
  await makeQueue(place, dead)
  await makeQueue(place, plain, { deadLetter: dead })
  await makeQueue(place, odd, { partition: true })
  await makeQueue(place, long)
  await makeQueue(place, 'without jobs')
  const job = sql(`${schema}.job`)
  await sql`
    insert into ${job} (name, data, state, retry_count, start_after, created_on, started_on, completed_on, output, priority)
    select
      name, jsonb_build_object('n', n, 'to', 'user' || n || '@example.com'), state::${sql(`${schema}.job_state`)},
      case when state in ('retry', 'failed') then 2 else 0 end,
      created + case when state = 'created' and n % 5 = 0 then interval '10 days' else interval '0' end,
      created,
      case when state <> 'created' then created + interval '1 second' end,
      case when state in ('completed', 'cancelled', 'failed') then created + interval '1 minute' end,
      case
        when state in ('retry', 'failed') then jsonb_build_object('name', 'TypeError', 'message', 'no answer from 10.0.0.' || n, 'stack', 'at x')
        when state = 'completed' then '{"message": "is a result"}'::jsonb
      end,
      n % 3
    from unnest(array[${plain}::text, ${odd}, ${long}]) as names (name)
    cross join unnest(array['created', 'retry', 'active', 'completed', 'cancelled', 'failed']) with ordinality as states (state, nth)
    cross join generate_series(1, 10) as n
    cross join lateral (select now() - n * interval '1 hour' - nth * interval '1 minute' as created) as times`
  await sql`
    insert into ${job} (name, state, completed_on) values (${dead}, 'completed', now())`
  if (version === 24) return
  await sql`update ${job} set blocked = true where name = ${long} and state = 'created' and data ->> 'n' = '1'`
  await sql`
    insert into ${job} (name, data, source_name, source_id, source_retry_count)
    select ${dead}, data, name, id, 2 from ${job} where name = ${plain} and state = 'failed'`
}
