import type { Sql } from '../../database/sql.ts'
import type { Found, QueueAdapter } from '../adapter.ts'

/** Releases by the version of their tables. */
const releases: Readonly<Record<number, string>> = { 24: '10.4', 37: '12.27', 46: '12.38' }

/** pg-boss keeps its jobs in one table, with a partition for some queues. */
export const pgBoss: QueueAdapter = {
  engine: 'pg-boss',
  tested: { reads: [24, 46], writes: [37, 46] },
  look: readFound,
  projection: ({ schema }) => ({ query: projectionOf(schema), relation: `${schema}.job` }),
}

async function readFound(sql: Sql, schema: string): Promise<Found> {
  const [row] = await sql<[{ version: number; tables: number; jobs: number; queues: number }]>`
    select
      (select pg_catalog.max(version) from ${sql.unsafe(schema)}.version)::int as version,
      (select pg_catalog.count(*) from ${sql.unsafe(schema)}.queue) as queues,
      (
        select pg_catalog.count(*)
        from pg_catalog.pg_class
        where relnamespace = ${schema}::text::regnamespace and relkind in ('r', 'p')
      ) as tables,
      (
        select coalesce(pg_catalog.sum(reltuples), -1)::bigint
        from pg_catalog.pg_class
        where relkind = 'r' and reltuples >= 0 and oid in (
          select relid from pg_catalog.pg_partition_tree((${schema}::text || '.job')::regclass)
          union all select (${schema}::text || '.job')::regclass
        )
      ) as jobs`
  return { ...row, schema, release: releases[row.version], jobs: row.jobs < 0 ? undefined : row.jobs }
}

/** The jobs with the columns of ours. The id is `queue/uuid`, with `%`, `/` and control characters of the queue percent-encoded. */
const projectionOf = (schema: string): string => `(
  select
    j.xmin, j.name || '/' || j.id::text as id, j.id::text as uuid, j.id as native_id, j.state::text as native_state,
    '${schema.replace(/^"|"$/g, '').replaceAll("'", "''")}'::text as domain, j.name as queue, ''::text as job_type, null::text as owner_user_id,
    null::integer as project_id, j.singleton_key as batch_group, null::text as idempotency_key, j.data as payload,
    null::jsonb as result,
    case j.state::text when 'created' then 'queued' when 'retry' then 'queued' when 'active' then 'processing' else j.state::text end as status,
    j.priority, j.retry_limit as max_retries, j.retry_count, j.start_after as available_at, j.started_on as started_at,
    j.started_on as acquired_at, null::timestamptz as leased_until, null::text as lease_id, null::text as worker_id,
    j.output ->> 'message' as error_message, null::text as error_code, null::text as error_class, null::text as last_error,
    null::jsonb as error_stack, null::timestamptz as cancel_requested_at,
    case j.state::text when 'cancelled' then j.completed_on end as cancelled_at, null::text as cancellation_reason,
    null::text as completion_token, null::text as failure_streak_code, 0 as failure_streak_count,
    null::timestamptz as quarantined_at, null::real as progress_percent, null::text as progress_message,
    null::text as request_id, null::text as trace_id, null::jsonb as failure_timeline, j.created_on as created_at,
    coalesce(j.completed_on, j.started_on, j.created_on) as updated_at,
    case when j.state::text in ('completed', 'failed') then j.completed_on end as completed_at,
    null::integer as quarantine_threshold
  from ${schema}.job j
)`
