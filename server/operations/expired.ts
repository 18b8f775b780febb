import type { Scope } from '../../shared/jobs.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import { type Call, referenceTime } from './call.ts'
import { inScope } from './scope.ts'
import { settle } from './settle.ts'

/** Running, and held by nobody. */
export const isExpired = (sql: Sql, call: Pick<Call, 'asOf'>, scope: Scope): Fragment => sql`
  status = 'processing'
  and (leased_until is null or leased_until < ${referenceTime(sql, call)})
  ${inScope(sql, scope)}`

interface TakingBack {
  scope: Scope
  /** Leave alone what another transaction holds. */
  skipLocked: boolean
  /** The most jobs to take back. */
  limit?: number
}

/**
 * Takes back jobs whose worker is gone: due at once, as one failed attempt, so that a job which kills
 * its worker ends in quarantine, or as failed when it is out of retries, instead of looping for ever.
 * @returns how many
 */
export async function takeBack(sql: Sql, call: Call, { scope, skipLocked, limit }: TakingBack): Promise<number> {
  const back = await settle(
    sql,
    call,
    sql`
      select
        id, retry_count, max_retries, failure_streak_code, failure_streak_count, cancel_requested_at,
        worker_id as held_by, 'expire' as action, null::text as completion_token, null::text as finish,
        null::jsonb as result, 'lease_expired' as error, 'lease_expired' as error_code, null::text as error_class,
        null::jsonb as error_stack, true as retryable, 0::float8 as backoff_seconds
      from jobs
      where ${isExpired(sql, call, scope)}
      order by id
      limit ${limit ?? null}::bigint
      for update ${skipLocked ? sql`skip locked` : sql``}`,
  )
  return back.length
}
