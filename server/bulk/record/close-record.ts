import type { Sql } from '../../database/sql.ts'
import { sealRecord } from '../chain/hash-chain.ts'
import { type Held, runningRecord } from '../detached/hold.ts'
import { deleteRequest } from '../detached/kept-request.ts'
import { deleteWaiting } from '../pressure/record.ts'
import { deleteStopRequest } from '../stop-request.ts'

/** How an operation ended. */
export interface Outcome {
  state: 'done' | 'partial' | 'failed'
  /** Why the operation is partial or failed, as a clause. */
  error?: string
  skippedLocked?: number
  /** The operation of which an undo of a part has given back the last job. */
  undoes?: number | undefined
  /** The response, which an idempotent replay repeats. */
  answer?: object
}

/** The record after its close. Its count is right even where the server lost the response of a batch. */
export interface ClosedRecord {
  id: number
  affected: number
  state: string
}

/**
 * Closes the record of a running operation, and seals it. `partial` without a changed job becomes `failed`, and its preview
 * and idempotency key can be used again. A record that is done, changed no job, and has neither preview nor key is deleted, unless
 * its caller was answered with its id alone.
 * @returns undefined where the record was closed before
 */
export async function closeRecord(
  tx: Sql,
  id: number,
  { state, error, skippedLocked = 0, undoes, answer }: Outcome,
): Promise<ClosedRecord | undefined> {
  const [closed] = await tx<ClosedRecord[]>`
    update job_operations
    set state = case when ${state}::text = 'partial' and affected = 0 then 'failed' else ${state}::text end,
        error = ${error ?? null}, skipped_locked = ${skippedLocked}, answer = ${answer ? JSON.stringify(answer) : null}::text::jsonb,
        undoes = coalesce(undoes, ${undoes ?? null}::bigint),
        ended_at = clock_timestamp(), touched_at = clock_timestamp(),
        preview_id = case when affected = 0 and ${state}::text <> 'done' then null else preview_id end,
        idempotency_key = case when affected = 0 and ${state}::text <> 'done' then null else idempotency_key end
    where id = ${id}::bigint and state = 'running'
    returning id, affected, state`
  if (!closed) return undefined
  await Promise.all([deleteStopRequest(tx, id), deleteWaiting(tx, id)])
  const deleted = await tx`
    delete from job_operations
    where id = ${id}::bigint and state = 'done' and affected = 0 and idempotency_key is null and preview_id is null
      and not exists (select from jobsctl_detached where operation_id = job_operations.id)`
  await deleteRequest(tx, id)
  if (deleted.count > 0) return closed
  await markUndone(tx, id)
  await sealRecord(tx, id)
  return closed
}

/**
 * Closes the record of an operation that this server runs.
 * @returns undefined where the record was closed before, or another server has taken the operation over
 */
export async function closeHeld(tx: Sql, held: Held, outcome: Outcome): Promise<ClosedRecord | undefined> {
  if (held.hold !== undefined) {
    const [record] = await tx`select id ${runningRecord(tx, held)} for update`
    if (!record) return undefined
  }
  return closeRecord(tx, held.operation, outcome)
}

/** Sets the state of the operation that this undo undid, where the undo changed at least one job. */
const markUndone = (tx: Sql, id: number) => tx`
  update job_operations undone
  set state = 'undone', undone_by = undo.id
  from job_operations undo
  where undo.id = ${id}::bigint and undo.affected > 0 and undone.id = undo.undoes and undone.state in ('done', 'partial')`
