import type { IntegrityRequest, IntegrityResult } from '../../shared/integrity.ts'
import type { Sql } from '../database/sql.ts'
import { type Call, referenceTimeText } from './call.ts'
import { change } from './change.ts'
import { isExpired, takeBack } from './expired.ts'
import { inScope } from './scope.ts'

/** A lease that nobody can hold. A partial index has this very predicate: it holds broken rows alone. */
const staleLease = (sql: Sql, request: IntegrityRequest) => sql`
  (
    (status <> 'processing' and leased_until is not null)
    or (status = 'queued' and (lease_id is not null or worker_id is not null))
  )
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
      const processing_expired = await takeBack(tx, call, { where: isExpired(tx, call, request) })
      return { non_processing_with_lease, processing_expired, fixed: non_processing_with_lease + processing_expired }
    },
    touched: ({ fixed }) => fixed,
  })
}

async function count(sql: Sql, call: Call, request: IntegrityRequest) {
  const [row] = await sql<[{ non_processing_with_lease: number; processing_expired: number; as_of: string }]>`
    select
      (select count(*) from jobs where ${staleLease(sql, request)}) as non_processing_with_lease,
      (select count(*) from jobs where ${isExpired(sql, call, request)}) as processing_expired,
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
