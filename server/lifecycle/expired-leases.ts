import { type Call, referenceTime } from '../call.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import { settle } from './settle.ts'

/** Running, and held by nobody: two sets, since to look for both at once would be to read all that runs. */
export const expiredLeases = (sql: Sql, set: { asOf?: string | undefined }): Fragment[] => [
  sql`status = 'processing' and leased_until < ${referenceTime(sql, set)}`,
  sql`status = 'processing' and leased_until is null`,
]

interface TakingBack {
  /** What is true of the expired jobs to take back. */
  where: Fragment
  /** The most jobs at once, leaving alone what another transaction holds. */
  limit: number
}

/**
 * Takes back jobs whose worker is gone: due at once, as one failed attempt, so that a job which kills
 * its worker ends in quarantine, or as failed when it is out of retries, instead of looping for ever.
 * @returns how many
 */
export async function reclaim(
  sql: Sql,
  call: Pick<Call, 'requestId' | 'quarantineThreshold'>,
  { where, limit }: TakingBack,
): Promise<number> {
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
      where ${where}
      limit ${sql.unsafe(String(limit))} for update skip locked`,
  )
  return back.length
}
