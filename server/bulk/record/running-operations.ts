import { Failure } from '../../../shared/errors.ts'
import type { Scope } from '../../../shared/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { BulkChange } from '../bulk-change.ts'
import { closeOrphan, isOrphaned, type OrphanContext, orphanedAfterSeconds } from './liveness.ts'

/** Another operation of the same kind in an overlapping scope. */
export interface RunningOperation {
  id: number
  caller: string
  /** When it started, as `YYYY-MM-DD HH24:MI UTC`. */
  since: string
  affected: number
  /** A batch of it runs now: its record is locked. */
  busy: boolean
  /** When its server last updated the record. */
  touched: string
}

const inSameScope = (tx: Sql, { scope, undoes }: Pick<BulkChange<unknown>, 'scope' | 'undoes'>): Fragment =>
  undoes === undefined ? overlaps(tx, scope) : tx`filters ->> 'operation' = ${String(undoes)}::text`

/** Closes the records of operations of this kind in this scope whose servers are gone. */
export async function closeOrphansInScope(tx: Sql, context: OrphanContext, bulk: BulkChange<unknown>): Promise<void> {
  const orphans = await tx<{ id: number }[]>`
    select id
    from job_operations
    where state = 'running' and kind = ${bulk.kind} and ${inSameScope(tx, bulk)} and ${isOrphaned(tx, context.localOperations)}
    for update skip locked`
  for (const { id } of orphans) await closeOrphan(tx, context, id)
}

/** The running operation of this kind whose scope overlaps; an operation with a running batch comes first. */
export async function findRunning(tx: Sql, bulk: BulkChange<unknown>): Promise<RunningOperation | undefined> {
  const unlocked = tx`
    select id from job_operations where state = 'running' and kind = ${bulk.kind} for update skip locked`
  const [running] = await tx<RunningOperation[]>`
    with unlocked as materialized (${unlocked})
    select id, caller, to_char(started_at at time zone 'utc', 'YYYY-MM-DD HH24:MI "UTC"') as since, affected,
      id not in (select id from unlocked) as busy, touched_at::text as touched
    from job_operations
    where state = 'running' and kind = ${bulk.kind} and ${inSameScope(tx, bulk)}
    order by busy desc, touched_at desc, id`
  return running
}

/** True for a record whose scope overlaps: two scopes share no job where both set the same field to different values. */
const overlaps = (sql: Sql, { domain, queue, job_type }: Scope): Fragment => sql`
  coalesce(domain = ${domain ?? null}::text, true)
  and coalesce(queue = ${queue ?? null}::text, true)
  and coalesce(job_type = ${job_type ?? null}::text, true)`

/** The failure `conflict` of a change while `running` holds its scope. */
export function alreadyRunning(
  { name }: Pick<BulkChange<unknown>, 'name'>,
  { id, caller, since, affected }: RunningOperation,
): Failure {
  const progress = affected === 0 ? '' : `, ${affected.toLocaleString('en-US')} jobs so far`
  return new Failure(
    'conflict',
    `another ${name} is running in this scope: operation ${id} of ${caller}, since ${since}${progress}; nothing was changed`,
    {
      hint: `try again when it has ended; if its server is gone, its record is closed within ${orphanedAfterSeconds} seconds`,
      retryAfter: 5,
    },
  )
}
