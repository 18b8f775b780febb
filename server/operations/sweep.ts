import type { SweepRequest } from '../../shared/sweep.ts'
import type { Sql } from '../database/sql.ts'
import { type Call, referenceTime, referenceTimeText } from './call.ts'
import { change } from './change.ts'
import { cascade, droppedSteps } from './dependents.ts'
import { inScope } from './scope.ts'
import { tellSteps } from './steps.ts'

/** Time so many seconds before the reference time; 3,000 years are the most PostgreSQL's calendar bears. */
const before = (sql: Sql, call: Call, seconds: number) => sql`
  ${referenceTime(sql, call)} - least(${seconds}::bigint, 100000000000) * interval '1 second'`

/** Queued for too long. */
const tooOld = (sql: Sql, call: Call, { age_seconds }: SweepRequest) =>
  age_seconds === undefined ? sql`false` : sql`(status = 'queued' and created_at <= ${before(sql, call, age_seconds)})`

/**
 * Running for too long, since the last pick-up: some workers keep the first `started_at` when a job
 * is picked up again, and `acquired_at` is then the later of the two.
 */
const tooLong = (sql: Sql, call: Call, { runtime_seconds }: SweepRequest) =>
  runtime_seconds === undefined
    ? sql`false`
    : sql`(status = 'processing' and greatest(started_at, acquired_at) <= ${before(sql, call, runtime_seconds)})`

/** The only definition of past the limit, for the preview and the change. */
const sweepable = (sql: Sql, call: Call, request: SweepRequest) => sql`
  status in ('queued', 'processing')
  and (${tooOld(sql, call, request)} or ${tooLong(sql, call, request)})
  ${inScope(sql, request)}`

const why = (sql: Sql) => sql`case status when 'queued' then 'ttl_age' else 'ttl_runtime' end`

const outcomes = {
  // An earlier end would make the job look old to a prune.
  cancel: (sql: Sql) => sql`
    status = 'cancelled', cancelled_at = now(), cancellation_reason = ${why(sql)}, completed_at = null`,
  fail: (sql: Sql) => sql`status = 'failed', completed_at = now(), error_message = ${why(sql)}`,
}

/** Ends queued and running jobs that are past their limits: all of them, or none. */
export async function sweep(call: Call, request: SweepRequest): Promise<{ affected: number }> {
  if (request.dry_run) {
    const { affected, as_of } = await count(call.sql, call, request)
    call.previewed(as_of)
    return { affected }
  }
  return change(call, {
    event: 'jobs.ttl_sweep',
    name: 'sweep',
    filters: request,
    count: async (tx) => (await count(tx, call, request)).affected,
    apply: (tx) => end(tx, call, request),
    touched: ({ affected }) => affected,
  })
}

async function count(sql: Sql, call: Call, request: SweepRequest) {
  const [row] = await sql<[{ affected: number; as_of: string }]>`
    select count(*) as affected, ${referenceTimeText(sql, call)} as as_of
    from jobs
    where ${sweepable(sql, call, request)}`
  return row
}

async function end(tx: Sql, call: Call, request: SweepRequest): Promise<{ affected: number }> {
  const [row] = await tx<[{ affected: number }]>`
    with recursive
    moved as (
      update jobs
      set ${outcomes[request.action](tx)}, leased_until = null
      where ${sweepable(tx, call, request)}
      returning id, uuid, domain, queue, job_type, owner_user_id, trace_id, status,
        coalesce(case status when 'failed' then error_message end, cancellation_reason) as reason
    ),
    ended as (select uuid, status from moved),
    ${cascade(tx)},
    told as (${tellSteps(tx, call, tx`${movedSteps(tx)} union all ${droppedSteps(tx)}`)})
    select count(*) as affected from moved`
  return row
}

const movedSteps = (sql: Sql) => sql`
  select id, domain, queue, job_type, owner_user_id, trace_id, 'job.' || status as event_type,
    jsonb_build_object('reason', reason, 'terminal', true) as attrs
  from moved`
