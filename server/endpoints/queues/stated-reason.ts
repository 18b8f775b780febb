import type { Fragment, Sql } from '../../database/sql.ts'

/**
 * The reason of a stop, as a lateral `(reason)` of at most one row: the last one that was given since the queue was stopped.
 * `control` names a row with `domain, queue, updated_at`. Other programs give no reason.
 */
export const statedReason = (sql: Sql, control: Fragment): Fragment => sql`
  lateral (
    select attrs_json ->> 'reason' as reason
    from job_events
    where domain = ${control}.domain and queue = ${control}.queue
      and event_type in ('queue.paused', 'queue.drained', 'queue.resumed')
      and created_at >= ${control}.updated_at
      and attrs_json ->> 'reason' is not null
    order by id desc
    limit 1
  )`

/** Who made the last stop of a queue, as a lateral `(caller)` of at most one row. Other programs write no event. */
export const stoppedBy = (sql: Sql, control: Fragment): Fragment => sql`
  lateral (
    select attrs_json ->> 'caller' as caller
    from job_events
    where domain = ${control}.domain and queue = ${control}.queue
      and event_type in ('queue.paused', 'queue.drained', 'queue.resumed') and event_type <> 'queue.resumed'
      and created_at >= ${control}.updated_at
    order by id desc
    limit 1
  )`
