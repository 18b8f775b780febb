import type { Requested } from '../../call.ts'
import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'

/**
 * Inserts one event for each row of `rows`, within the statement that changes the jobs, so that no change is without its
 * event. `rows` has `id, domain, queue, job_type, owner_user_id, trace_id` of a job, `event_type` (text) and `attrs` (jsonb;
 * fields that are null are left out). Defines no CTE and returns no row.
 */
export const insertEvents = (sql: Sql, { requestId }: Pick<Requested, 'requestId'>, rows: Fragment): Fragment =>
  insertRows(sql, rows, { attrs: sql`jsonb_strip_nulls(attrs)`, requestId: sql`${requestId}::text` })

/** As `insertEvents`, for `attrs` in which no field is null (`attrsWithoutNulls`). */
export const insertWholeEvents = (sql: Sql, { requestId }: Pick<Requested, 'requestId'>, rows: Fragment): Fragment =>
  insertRows(sql, rows, { attrs: sql`attrs`, requestId: sql`${requestId}::text` })

/** As `insertWholeEvents`, for `rows` that have the `request_id` of their call. */
export const insertEventsOfCalls = (sql: Sql, rows: Fragment): Fragment =>
  insertRows(sql, rows, { attrs: sql`attrs`, requestId: sql`request_id` })

const insertRows = (sql: Sql, rows: Fragment, { attrs, requestId }: Record<'attrs' | 'requestId', Fragment>) => sql`
  insert into job_events (job_ref, domain, queue, job_type, event_type, attrs_json, owner_user_id, request_id, trace_id)
  select id, domain, queue, job_type, event_type, ${attrs}, owner_user_id, ${requestId}, trace_id
  from (${rows}) as event`

/**
 * An SQL expression: `attrs` without the fields that are null. To write the object again, which leaves them out, takes longer than to
 * build it, so that this is done only where one of the values is null.
 * @param values a list of the values in `attrs` that may be null
 */
export const attrsWithoutNulls = (sql: Sql, values: Fragment, attrs: Fragment): Fragment => sql`
  case num_nulls(${values}) when 0 then ${attrs} else jsonb_strip_nulls(${attrs}) end`

/**
 * An SQL expression: the attributes of an event as an object. Another program may have written any JSON, or none. In a column
 * of type `json` it may have written characters that `jsonb` does not take, so that the text is looked at.
 */
export const attrsOfEvent = staticFragment(
  (sql) => sql`case when attrs_json::text ~ '^[ \\t\\r\\n]*[{]' then attrs_json else '{}' end`,
)

/** A timestamptz as text in the format of the wire, for use inside of JSON. The time zone of our sessions is UTC. */
export const wireTime = (sql: Sql, column: Fragment): Fragment => sql`
  replace(replace(${column}::text, ' ', 'T'), '+00', 'Z')`

/** The channel of LISTEN on which servers are notified of queues that have work. */
export const workChannel = 'jobsctl_work'

/**
 * Notifies the queues of `queues (domain, queue)` when the transaction commits, all in one notification: a JSON array of
 * pairs. A list that is too long for a notification (8,000 bytes) is replaced by the empty text, which means every queue.
 */
export const notifyQueues = (sql: Sql, queues: Fragment): Fragment => sql`
  select pg_notify(${workChannel}, case when octet_length(keys) < 7900 then keys else '' end)
  from (
    select jsonb_agg(distinct jsonb_build_array(domain, queue))::text as keys
    from (${queues}) as ready
  ) as notification
  where keys is not null`
