import type { Rule } from '../../../../shared/policy/rule.ts'
import { hasKeys } from '../../../database/job-ids.ts'
import { inScope } from '../../../database/scope.ts'
import { type Fragment, type Sql, staticFragment } from '../../../database/sql.ts'
import { ofEventHere, ofOperationHere } from '../../../engines/of-place.ts'

/** A part of the event log, and since when its events count, in ISO 8601. */
export interface Recent {
  after: number
  since: string
}

const day = '24 hours'

/** The condition on the alias `event`: it is recent, of the jobs of the rule, and of one of these types. */
const isRecent = (sql: Sql, { domain, queue, job_type }: Rule, { after, since }: Recent, types: Fragment) => sql`
  event.id > ${after}::bigint and event.created_at > ${since}::text::timestamptz and event.job_ref is not null
  and event.event_type in ${types} ${inScope(sql, { domain, queue, job_type, within: undefined })}`

/** The events by which a job that has ended runs again. */
export const runsAgain = staticFragment((sql) => sql`('job.retried', 'job.requeued', 'job.revived', 'job.redriven')`)
const endings = staticFragment((sql) => sql`('job.completed', 'job.failed', 'job.cancelled', 'job.quarantined')`)

/** The events after which a job has another state. */
const steps = staticFragment(
  (sql) => sql`(
  'job.created', 'job.acquired', 'job.completed', 'job.failed', 'job.cancelled', 'job.quarantined', 'job.retry_scheduled',
  'job.lease_expired', 'job.released', 'job.reclaimed', 'job.requeued', 'job.retried', 'job.revived', 'job.redriven', 'job.restored'
)`,
)

/** The events with which a wait or a run ends. */
const leavings = staticFragment(
  (sql) => sql`(
  'job.acquired', 'job.completed', 'job.failed', 'job.cancelled', 'job.quarantined', 'job.retry_scheduled', 'job.lease_expired',
  'job.released', 'job.reclaimed'
)`,
)

/** A lateral table `last`: the last event of these types of the job of `event` before it. */
const lastBefore = (sql: Sql, types: Fragment) => sql`
  left join lateral (
    select earlier.event_type, earlier.created_at
    from job_events as earlier
    where earlier.job_ref = event.job_ref and earlier.id < event.id and earlier.event_type in ${types} ${ofEventHere(sql, sql`earlier`)}
    order by earlier.id desc
    limit 1
  ) as last on true`

/**
 * A query of `(id, due, until)`: jobs that were under a rule in the past and are not any more. `due` is when they came under it, null where
 * nothing tells, and `until` when they left.
 * @param ended the time when a finished job ended, an expression on `jobs`
 */
export const jobsOfPast = (sql: Sql, rule: Rule, { ended, recent }: { ended: Fragment; recent: Recent }): Fragment =>
  rule.prune
    ? sql`${deletedJobs(sql, rule, { ended, recent })} union all ${retriedJobs(sql, rule, recent)}`
    : jobsThatWentOn(sql, rule, recent)

/** Jobs that were deleted, as the archive has them. */
function deletedJobs(sql: Sql, rule: Rule, { ended, recent }: { ended: Fragment; recent: Recent }): Fragment {
  const { domain, queue, job_type, prune } = rule
  return sql`
    select jobs.id::text as id, ${ended} + ${prune?.older_than_days ?? 0}::int * ${day}::interval as due, archived_at as until
    from jobs_archive as jobs
    where archived_at > ${recent.since}::text::timestamptz and status = any(${prune?.statuses ?? []}::text[])
      and ${ended} + ${prune?.older_than_days ?? 0}::int * ${day}::interval < archived_at
      ${inScope(sql, { domain, queue, job_type, within: undefined })}`
}

/** Jobs that had ended and run again: by the image of the retry, or by the event with which they had ended. */
function retriedJobs(sql: Sql, rule: Rule, recent: Recent): Fragment {
  const { older_than_days: days, statuses } = rule.prune ?? { older_than_days: 0, statuses: [] }
  return sql`
    select event.job_ref::text as id, ended_at + ${days}::int * ${day}::interval as due, event.created_at as until
    from job_events as event
    ${lastBefore(sql, endings(sql))}
    left join lateral (
      select kept.before
      from job_operation_rows as kept
      join job_operations as made on made.id = kept.operation_id
      where kept.job_ref = event.job_ref and made.started_at <= event.created_at and kept.before ? 'completed_at'
        and kept.before ->> 'status' in ('completed', 'failed', 'cancelled', 'quarantined') ${ofOperationHere(sql, sql`kept.operation_id`)}
      order by made.id desc
      limit 1
    ) as image on true
    cross join lateral (
      select
        coalesce(image.before ->> 'status', substr(last.event_type, 5)) as had_status,
        coalesce(
          (image.before ->> 'completed_at')::timestamptz,
          (image.before ->> 'cancelled_at')::timestamptz,
          (image.before ->> 'quarantined_at')::timestamptz,
          last.created_at
        ) as ended_at
    ) as had
    where ${isRecent(sql, rule, recent, runsAgain(sql))}
      and (had_status is null or had_status = any(${[...statuses]}::text[]))
      and (ended_at is null or ended_at + ${days}::int * ${day}::interval < event.created_at)`
}

/** Jobs that had waited or run for too long, and began to run or ended their run. */
function jobsThatWentOn(sql: Sql, rule: Rule, recent: Recent): Fragment {
  const { age_seconds: age = null, runtime_seconds: runtime = null } = rule.sweep ?? {}
  if (hasKeys(sql))
    return sql`select null::text as id, null::timestamptz as due, null::timestamptz as until where false`
  return sql`
    select event.job_ref::text as id, due, event.created_at as until
    from job_events as event
    ${lastBefore(sql, steps(sql))}
    left join lateral (
      select coalesce(
        (select created_at from jobs where jobs.id = event.job_ref),
        (select min(created_at) from jobs_archive where jobs_archive.id = event.job_ref)
      ) as created_at
      where ${age}::bigint is not null and last.event_type is distinct from 'job.acquired'
    ) as job on true
    cross join lateral (
      select case
        when last.event_type = 'job.acquired' and event.event_type <> 'job.acquired'
          then last.created_at + ${runtime}::bigint * interval '1 second'
        when job.created_at is not null and (last.event_type is not null or event.event_type = 'job.acquired')
          then greatest(job.created_at + ${age}::bigint * interval '1 second', last.created_at)
      end as due
    ) as came
    where ${isRecent(sql, rule, recent, leavings(sql))} and due <= event.created_at`
}
