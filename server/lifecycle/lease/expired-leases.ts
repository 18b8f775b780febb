import type { TokenScope } from '../../../shared/access/token-scope.ts'
import { type Requested, referenceTime, type ServerContext } from '../../call.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { withoutPolicies } from '../job-policies.ts'
import { quarantineThreshold as thresholdOf, thresholdOfJob } from '../settle/quarantine-threshold.ts'
import { settle } from '../settle/settle.ts'

/**
 * Predicates over `jobs` for jobs that are being processed without a valid lease: leases that ended before `asOf` (an ISO
 * time; now by default), and leases without a time. There are two predicates, because one with `or` would read every job
 * that is being processed.
 */
export const expiredLeases = (sql: Sql, set: { asOf?: string | undefined }): Fragment[] => [
  sql`status = 'processing' and leased_until < ${referenceTime(sql, set)}`,
  sql`status = 'processing' and leased_until is null`,
]

/** A condition on `jobs`: true for a running job that does not run again when it is reclaimed, so that no dependent of it can run. */
export const endsByReclaim = (
  sql: Sql,
  { quarantineThreshold, countsAttempt }: Pick<ServerContext, 'quarantineThreshold'> & { countsAttempt: boolean },
): Fragment =>
  countsAttempt
    ? sql`(
        cancel_requested_at is not null
        or coalesce(retry_count, 0) >= coalesce(max_retries, 3)
        or ${thresholdOf(sql, { job: thresholdOfJob(sql), place: sql`jobs`, server: quarantineThreshold })} <= case
          when failure_streak_code = 'lease_expired' then least(coalesce(failure_streak_count, 0), 1000000) + 1
          else 1
        end
      )`
    : sql`cancel_requested_at is not null`

interface Selection {
  /** A predicate over `jobs` for the running jobs to reclaim. */
  where: Fragment
  /** The most jobs in one call. Rows that another transaction has locked are skipped. */
  limit: number
  /** False where the attempt is no fault of the job, so that it is not counted as failed. */
  countsAttempt: boolean
  /** Set for a change of an operator, which cancels and counts all dependents, and those outside of its scope. */
  operator?: { within: TokenScope | undefined }
}

interface Reclaimed {
  reclaimed: number
  /** Absent where no operator reclaims. */
  dependents?: number
  /** Absent without a scope. */
  dependents_elsewhere?: number
}

/**
 * Reclaims jobs whose worker has disappeared. Each is due at once. With `countsAttempt` it counts one failed attempt, so that
 * a job which kills its worker ends in quarantine, or as failed when it has no retries left, instead of running for ever. A job whose
 * `expired_lease_policy` is `requeue_no_attempt` never counts one.
 * @returns the number of reclaimed jobs, and to an operator that of dependents which were cancelled
 */
export async function reclaim(
  sql: Sql,
  settings: Pick<Requested, 'requestId'> & Pick<ServerContext, 'quarantineThreshold'>,
  { where, limit, countsAttempt, operator }: Selection,
): Promise<Reclaimed> {
  const reclaimed = await settle(
    sql,
    settings,
    sql`
      select
        id, retry_count, max_retries, failure_streak_code, failure_streak_count, cancel_requested_at, job.domain, job.queue,
        job.quarantine_threshold, lease_owner, case when ${countsAttempt}::bool and policy = 'consume_retry' then 'expire' else 'reclaim' end as action,
        null::text as completion_token, null::text as finish, null::jsonb as result,
        'lease_expired' as error, 'lease_expired' as error_code, null::text as error_class, null::jsonb as error_stack,
        true as retryable, 0::float8 as backoff_seconds, null::float8 as delay_seconds, null as reason
      from ${withoutPolicies(sql)}
      cross join lateral (
        select
          id, retry_count, max_retries, failure_streak_code, failure_streak_count, cancel_requested_at, worker_id as lease_owner,
          domain, queue, quarantine_threshold, expired_lease_policy as policy
        from jobs
        where ${where}
        limit ${sql.unsafe(String(limit))} for update skip locked
      ) as job`,
    operator,
  )
  const { dependents = 0, dependents_elsewhere = 0 } = reclaimed[0] ?? {}
  return {
    reclaimed: reclaimed.length,
    ...(operator && { dependents }),
    ...(operator?.within && { dependents_elsewhere }),
  }
}
