import { Failure } from '../../../shared/errors.ts'
import type { Acting, Call, Requested } from '../../call.ts'
import { retryDeadlock } from '../../database/errors/retry-deadlock.ts'
import { unlessFrozen } from '../../database/installation/freeze.ts'
import { isWithin } from '../../database/scope.ts'
import type { Sql } from '../../database/sql.ts'
import { servedBy } from '../../engines/served.ts'
import { dependentsOf } from '../../lifecycle/dependents/dependents.ts'
import { insertEvents } from '../../lifecycle/events/job-events.ts'
import type { OutputOf, OwnInputOf } from '../handlers.ts'
import { type Along, cancelWithDependents } from './cancel-along.ts'
import { type Cancellation, changed, changedEvents } from './cancel-statement.ts'

type Answer = OutputOf<'cancel'>

/** How often a call begins again where the job or its dependents change at the same time. */
const tries = 5

/**
 * Cancels a queued job; asks the worker of a running job to end it, or with `force` cancels that job, too. A job that is
 * cancelled already stays as it is. With jobs that depend on it, it is a change of many jobs, with a record and an undo.
 * @throws Failure `not_found`, also for a job outside of the scope of the caller; `conflict` for a job that has ended otherwise, and for
 * one with more than 1,000 dependents; `forbidden` where jobs outside of that scope depend on the job; `limit_exceeded`,
 * `quota_exceeded`, `approval_required`; `not_supported` over the jobs of another engine
 */
export async function cancelJob(call: Call, { id, reason, force }: OwnInputOf<'cancel'>): Promise<Answer> {
  if (servedBy(call.sql).mode !== 'own') throw isOfEngine()
  const cancellation = { id, reason: reason ?? call.reason, force }
  for (let tried = 1; ; tried++) {
    const [job] = await retryDeadlock(() => unlessFrozen(call.sql, (sql) => endOrAsk({ ...call, sql }, cancellation)))
    if (!job) throw new Failure('not_found', `there is no job ${id}`)
    if (!job.has_dependents) {
      call.reportChangedRows(job.after === null ? 0 : 1)
      return answerOf(id, job)
    }
    const along = await retryDeadlock(() => cancelWithDependents(call, cancellation, job))
    if (along) return answerAlong(call, id, along)
    if (tried === tries)
      throw new Failure(
        'conflict',
        `job ${id} and the jobs that depend on it change all the time; nothing was changed`,
        {
          retryAfter: 1,
        },
      )
  }
}

const isOfEngine = (): Failure =>
  new Failure('not_supported', 'this call cancels own jobs, by their numbers or uuids; nothing was changed', {
    hint: 'the cancel of many jobs (batch/cancel) takes a job of another engine by its id',
  })

function answerOf(id: number, { before, after, cancel_requested }: Row): Answer {
  const status = after ?? before
  if (status === 'cancelled' || status === 'processing') return { id, status, cancel_requested, dependents: 0 }
  throw new Failure('conflict', `job ${id} is ${before} already; nothing was changed`, {
    hint: before === 'quarantined' ? 'it does not run unless it is requeued' : undefined,
  })
}

function answerAlong(
  { within, reportChangedRows }: Pick<Call, 'within' | 'reportChangedRows'>,
  id: number,
  { operation, dependents, elsewhere }: Along,
): Answer {
  reportChangedRows(1 + dependents)
  return {
    id,
    status: 'cancelled',
    cancel_requested: false,
    dependents: dependents - elsewhere,
    ...(within && { dependents_elsewhere: elsewhere }),
    operation_id: operation,
  }
}

interface Row {
  domain: string
  queue: string
  job_type: string
  before: string
  /** Null when nothing was changed. */
  after: string | null
  cancel_requested: boolean
  /** Nothing was changed, since jobs wait for this one, and would end with it. */
  has_dependents: boolean
}

const endOrAsk = (
  { sql, requestId, caller, within }: Pick<Requested, 'requestId'> & Pick<Acting, 'caller' | 'within'> & { sql: Sql },
  cancellation: Cancellation,
) => sql<Row[]>`
  with
  target as materialized (
    select id, domain, queue, job_type, status, cancel_requested_at,
      (status = 'queued' or ${cancellation.force}::bool and status = 'processing')
        and exists (select from ${dependentsOf(sql, sql`jobs.uuid`)} as dependent where dependent.uuid <> jobs.uuid)
        as has_dependents
    from jobs
    where id = ${cancellation.id}::job_id ${isWithin(sql, within)}
    for update
  ),
  ${changed(sql, cancellation, { where: sql`not target.has_dependents` })},
  inserted_events as (${insertEvents(sql, { requestId }, changedEvents(sql, caller))})
  select
    target.domain, target.queue, target.job_type, target.has_dependents,
    target.status as before, changed.status as after,
    coalesce(changed.status, target.status) = 'processing'
      and (changed.status is not null or target.cancel_requested_at is not null) as cancel_requested
  from target
  left join changed on true`
