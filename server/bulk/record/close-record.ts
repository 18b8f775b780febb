import { staticFragment, type Transaction } from '../../database/sql.ts'
import { sealRecord } from '../chain/hash-chain.ts'
import type { LeavesJobs } from '../change/bulk-change.ts'
import { type Claim, runningRecord } from '../change/claim.ts'
import { deleteStopRequest } from '../change/stop-request.ts'
import { deleteWaiting } from '../pressure/record.ts'
import { deleteRequest } from './kept-request.ts'

/** How an operation ended. */
export interface Outcome {
  state: 'done' | 'partial' | 'failed'
  /** Why the operation is partial or failed, as a clause. */
  error?: string
  skippedLocked?: number
  /** The response, which an idempotent replay repeats. */
  answer?: object
}

/** The record after its close. Its count is right even where the server lost the response of a batch. */
export interface ClosedRecord {
  id: number
  affected: number
  state: string
}

interface Closed extends ClosedRecord {
  /** The operation that an undo names; null for every other change. */
  undoing: number | null
}

/**
 * Closes the record of a running operation, and seals it. `partial` without a changed job becomes `failed`, and its preview
 * and idempotency key can be used again. A record that is done, changed no job, and has neither preview nor key is deleted, unless
 * its caller was answered with its id alone. However an undo ends, the operation that it undid becomes `undone` where nothing of it is
 * left to give back.
 * @param leavesJobs asked where the operation is an undo; undefined for a change of another kind
 * @returns undefined where the record was closed before
 */
export async function closeRecord(
  tx: Transaction,
  id: number,
  { state, error, skippedLocked = 0, answer }: Outcome,
  leavesJobs: LeavesJobs | undefined,
): Promise<ClosedRecord | undefined> {
  const [row] = await tx<Closed[]>`
    update job_operations
    set state = case when ${state}::text = 'partial' and affected = 0 then 'failed' else ${state}::text end,
        error = ${error ?? null}, skipped_locked = ${skippedLocked}, answer = ${answer ? JSON.stringify(answer) : null}::text::jsonb,
        ended_at = clock_timestamp(), touched_at = clock_timestamp(),
        preview_id = case when affected = 0 and ${state}::text <> 'done' then null else preview_id end,
        idempotency_key = case when affected = 0 and ${state}::text <> 'done' then null else idempotency_key end
    where id = ${id}::bigint and state = 'running'
    returning id, affected, state, ${undoing(tx)} as undoing`
  if (!row) return undefined
  const { undoing: operation, ...closed } = row
  await Promise.all([deleteStopRequest(tx, id), deleteWaiting(tx, id)])
  const deleted = await tx`
    delete from job_operations
    where id = ${id}::bigint and state = 'done' and affected = 0 and idempotency_key is null and preview_id is null
      and not exists (select from jobsctl_detached where operation_id = job_operations.id)`
  await deleteRequest(tx, id)
  if (deleted.count > 0) return closed
  if (operation !== null && closed.affected > 0) await markUndone(tx, { id, operation }, leavesJobs)
  await sealRecord(tx, id)
  return closed
}

/**
 * Closes the record of an operation that this server runs.
 * @returns undefined where the record was closed before, or another server has taken the operation over
 */
export async function closeHeld(
  tx: Transaction,
  held: Claim,
  outcome: Outcome,
  leavesJobs: LeavesJobs | undefined,
): Promise<ClosedRecord | undefined> {
  if (held.hold !== undefined) {
    const [record] = await tx`select id ${runningRecord(tx, held)} for update`
    if (!record) return undefined
  }
  return closeRecord(tx, held.operation, outcome, leavesJobs)
}

/** The operation that an undo names in its filters. */
const undoing = staticFragment(
  (sql) => sql`
  case when kind = 'undo' and filters ->> 'operation' ~ '^[1-9][0-9]{0,14}$' then (filters ->> 'operation')::bigint end`,
)

/**
 * Sets the state of an operation of which an undo has given back the last job. An operation that a sealed undo names in `undoes` must be
 * `undone`, or the chain of records is broken: a server of version 0.1.0 names it there when its undo begins.
 */
async function markUndone(
  tx: Transaction,
  { id, operation }: { id: number; operation: number },
  leavesJobs: LeavesJobs | undefined,
): Promise<void> {
  const isUndone = leavesJobs !== undefined && !(await leavesJobs(tx, operation))
  await tx`update job_operations set undoes = ${isUndone ? operation : null}::bigint where id = ${id}::bigint`
  if (!isUndone) return
  await tx`
    update job_operations set state = 'undone', undone_by = ${id}::bigint
    where id = ${operation}::bigint and state in ('done', 'partial')`
}
