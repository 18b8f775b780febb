import type { IntegrityRequest, IntegrityResult } from '../../shared/integrity.ts'
import type { Sql } from '../database/sql.ts'
import { type Call, referenceTime, referenceTimeText } from './call.ts'
import { change } from './change.ts'
import { inScope } from './scope.ts'

/** A lease that nobody can hold. A partial index has this very predicate: it holds broken rows alone. */
const staleLease = (sql: Sql, request: IntegrityRequest) => sql`
  (
    (status <> 'processing' and leased_until is not null)
    or (status = 'queued' and (lease_id is not null or worker_id is not null))
  )
  ${inScope(sql, request)}`

/** Running, and held by nobody. */
const expired = (sql: Sql, call: Call, request: IntegrityRequest) => sql`
  status = 'processing'
  and (leased_until is null or leased_until < ${referenceTime(sql, call)})
  ${inScope(sql, request)}`

/** Counts what breaks an invariant; with `fix`, repairs it. */
export async function integrity(call: Call, request: IntegrityRequest): Promise<IntegrityResult> {
  if (!request.fix) {
    const { as_of, ...found } = await count(call.sql, call, request)
    call.previewed(as_of)
    return { ...found, fixed: 0 }
  }
  return change(call, {
    event: 'jobs.integrity_sweep',
    name: 'integrity sweep',
    filters: request,
    count: async (tx) => {
      const found = await count(tx, call, request)
      return found.non_processing_with_lease + found.processing_expired
    },
    apply: async (tx) => {
      const non_processing_with_lease = await clearStaleLeases(tx, request)
      const processing_expired = await takeBackExpired(tx, call, request)
      return { non_processing_with_lease, processing_expired, fixed: non_processing_with_lease + processing_expired }
    },
    touched: ({ fixed }) => fixed,
  })
}

async function count(sql: Sql, call: Call, request: IntegrityRequest) {
  const [row] = await sql<[{ non_processing_with_lease: number; processing_expired: number; as_of: string }]>`
    select
      (select count(*) from jobs where ${staleLease(sql, request)}) as non_processing_with_lease,
      (select count(*) from jobs where ${expired(sql, call, request)}) as processing_expired,
      ${referenceTimeText(sql, call)} as as_of`
  return row
}

async function clearStaleLeases(tx: Sql, request: IntegrityRequest): Promise<number> {
  const { count } = await tx`
    update jobs
    set leased_until = null, lease_id = null, worker_id = null
    where ${staleLease(tx, request)}`
  return count
}

/**
 * Back to the queue as one failed attempt, so that a job which kills its worker ends in quarantine,
 * or as failed when it is out of retries, instead of looping for ever.
 */
async function takeBackExpired(tx: Sql, call: Call, request: IntegrityRequest): Promise<number> {
  const streak = tx`case when failure_streak_code = 'lease_expired' then least(coalesce(failure_streak_count, 0), 1000000) + 1 else 1 end`
  const poisonous = tx`${streak} >= ${call.quarantineThreshold}::int`
  const exhausted = tx`coalesce(retry_count, 0) >= coalesce(max_retries, 3)`
  const { count } = await tx`
    update jobs
    set
      status = case when ${poisonous} then 'quarantined' when ${exhausted} then 'failed' else 'queued' end,
      quarantined_at = case when ${poisonous} then now() end,
      completed_at = case when not (${poisonous}) and ${exhausted} then now() end,
      available_at = case when ${poisonous} or ${exhausted} then available_at else now() end,
      retry_count = case when ${exhausted} then retry_count else coalesce(retry_count, 0) + 1 end,
      failure_streak_code = 'lease_expired',
      failure_streak_count = ${streak},
      error_code = 'lease_expired',
      error_message = case when ${poisonous} or ${exhausted} then 'lease_expired' else error_message end,
      last_error = 'lease_expired',
      leased_until = null, lease_id = null, worker_id = null
    where ${expired(tx, call, request)}`
  return count
}
