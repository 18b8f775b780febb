import type { Call } from '../call.ts'
import type { Fragment, Sql } from '../database/sql.ts'

/**
 * Writes one event for each row of `steps`, which has `event_type` and `attrs` beside the columns of a
 * job that say which one it is: in the statement that makes the step, so that there is none without.
 */
export const insertEvents = (sql: Sql, { requestId }: Pick<Call, 'requestId'>, steps: Fragment): Fragment => sql`
  insert into job_events (job_id, domain, queue, job_type, event_type, attrs_json, owner_user_id, request_id, trace_id)
  select id, domain, queue, job_type, event_type, jsonb_strip_nulls(attrs), owner_user_id, ${requestId}::text, trace_id
  from (${steps}) as step`

/** A time as the wire has it, for what is kept as JSON; sessions are in UTC. */
export const wireTime = (sql: Sql, column: Fragment): Fragment => sql`
  replace(replace(${column}::text, ' ', 'T'), '+00', 'Z')`

/** What waits for work listens here. */
export const workChannel = 'jobsctl_work'

/**
 * Rings the queues of `queues (domain, queue)`, once for the whole transaction, as soon as it is committed.
 * What does not fit into a notice rings them all.
 */
export const notifyQueues = (sql: Sql, queues: Fragment): Fragment => sql`
  select pg_notify(${workChannel}, case when octet_length(keys) < 7900 then keys else '' end)
  from (
    select jsonb_agg(distinct jsonb_build_array(domain, queue))::text as keys
    from (${queues}) as ready
  ) as notice
  where keys is not null`
