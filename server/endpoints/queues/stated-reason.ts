import type { Fragment, Sql } from '../../database/sql.ts'

/**
 * A condition on rows of `job_events`: decisions on the queue of `control` since it was stopped. Where its engine does not write down when that
 * was, those since it was resumed here for the last time.
 */
const sinceStopped = (sql: Sql, control: Fragment): Fragment => sql`
  ${isDecision(sql, control)} and case
    when ${control}.updated_at is not null then created_at >= ${control}.updated_at
    else id > coalesce((select max(id) from job_events where ${isDecision(sql, control)} and event_type = 'queue.resumed'), 0)
  end`

const isDecision = (sql: Sql, control: Fragment): Fragment => sql`
  domain = ${control}.domain and queue = ${control}.queue and event_type in ('queue.paused', 'queue.drained', 'queue.resumed')`

/**
 * The reason of a stop, as a lateral `(reason)` of at most one row: the last one that was given since the queue was stopped.
 * `control` names a row with `domain, queue, updated_at`. Other programs give no reason.
 */
export const statedReason = (sql: Sql, control: Fragment): Fragment => sql`
  lateral (
    select attrs_json ->> 'reason' as reason
    from job_events
    where ${sinceStopped(sql, control)} and attrs_json ->> 'reason' is not null
    order by id desc
    limit 1
  )`

/** Who made the last stop of a queue, as a lateral `(caller)` of at most one row. Other programs write no event. */
export const stoppedBy = (sql: Sql, control: Fragment): Fragment => sql`
  lateral (
    select attrs_json ->> 'caller' as caller
    from job_events
    where ${sinceStopped(sql, control)} and event_type <> 'queue.resumed'
    order by id desc
    limit 1
  )`
