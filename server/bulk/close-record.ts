import type { Sql } from '../database/sql.ts'
import { sealRecord } from './hash-chain.ts'

/** How an operation ended. */
export interface Outcome {
  state: 'done' | 'partial' | 'failed'
  /** Why it is partial or failed, as a clause. */
  error?: string
  skippedLocked?: number
  /** What the caller is answered, for a repetition. */
  answer?: object
}

/** What the record says in the end: it is the truth, whatever a server remembers. */
export interface ClosedRecord {
  id: number
  affected: number
  state: string
}

/**
 * Ends a running operation, and seals its record. What changed nothing leaves no record,
 * unless its caller may ask for it again, or it failed; and then its preview and its key may be used again.
 * @returns nothing where it has been ended by another
 */
export async function closeRecord(
  tx: Sql,
  id: number,
  { state, error, skippedLocked = 0, answer }: Outcome,
): Promise<ClosedRecord | undefined> {
  const [ended] = await tx<ClosedRecord[]>`
    update job_operations
    set state = case when ${state}::text = 'partial' and affected = 0 then 'failed' else ${state}::text end,
        error = ${error ?? null}, skipped_locked = ${skippedLocked}, answer = ${answer ? JSON.stringify(answer) : null}::text::jsonb,
        ended_at = clock_timestamp(), touched_at = clock_timestamp(),
        preview_id = case when affected = 0 and ${state}::text <> 'done' then null else preview_id end,
        idempotency_key = case when affected = 0 and ${state}::text <> 'done' then null else idempotency_key end
    where id = ${id}::bigint and state = 'running'
    returning id, affected, state`
  if (!ended) return undefined
  const forgotten = await tx`
    delete from job_operations
    where id = ${id}::bigint and state = 'done' and affected = 0 and idempotency_key is null and preview_id is null`
  if (forgotten.count > 0) return ended
  await markUndone(tx, id)
  await sealRecord(tx, id)
  return ended
}

/** What an undo has taken anything back of is undone. */
const markUndone = (tx: Sql, id: number) => tx`
  update job_operations undone
  set state = 'undone', undone_by = undo.id
  from job_operations undo
  where undo.id = ${id}::bigint and undo.affected > 0 and undone.id = undo.undoes and undone.state in ('done', 'partial')`
