import { Failure } from '../../../shared/errors.ts'
import type { Acting, Reading } from '../../call.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { ActingCall } from '../actor.ts'
import { statedReason } from './stated-reason.ts'

/** What a change of a queue takes of its call. */
export type ControlCall = ActingCall & Reading & Pick<Acting, 'identity'>

/** A queue before a change, with the time and the reason of a stop. */
export interface QueueBefore {
  /** False for a queue that never had a job and was never stopped. */
  known: boolean
  paused: boolean
  drain: boolean
  updated_at: string | null
  reason: string | null
}

/**
 * Defines the CTE `before (known, paused, drain, updated_at, reason)`, one row: the state of the queue before the request, and
 * whether the queue ever had a job or was stopped. The row of the queue is locked, if there is one.
 */
export const stateBefore = (sql: Sql, { domain, queue }: { domain: string; queue: string }): Fragment => sql`
  stored as materialized (
    select coalesce(paused, false) as paused, coalesce(drain, false) as drain, domain, queue, updated_at
    from job_queue_controls
    where domain = ${domain} and queue = ${queue}
    for update
  ),
  before as materialized (
    select
      stored.domain is not null or exists (select from jobs where domain = ${domain} and queue = ${queue}) as known,
      coalesce(paused, false) as paused, coalesce(drain, false) as drain,
      case when paused or drain then updated_at end as updated_at,
      case when paused or drain then stated.reason end as reason
    from (select) as one
    left join stored on true
    left join ${statedReason(sql, sql`stored`)} as stated on true
  )`

/** @throws Failure `not_found` for a queue that is not known and must exist */
export function requireKnown(
  known: boolean,
  { domain, queue, must_exist }: { domain: string; queue: string; must_exist: boolean },
): void {
  if (known || !must_exist) return
  throw new Failure('not_found', `there was never a job in ${domain}/${queue}; nothing was changed`, {
    hint: 'GET /api/v1/jobs/stats lists the queues',
  })
}
