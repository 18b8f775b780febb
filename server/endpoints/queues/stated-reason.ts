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
