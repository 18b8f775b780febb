import { TokenScope } from '../../../shared/access/token-scope.ts'
import { kindOf } from '../../../shared/changes/kinds.ts'
import { Failure } from '../../../shared/errors.ts'
import type { Scope } from '../../../shared/scope.ts'
import { isRecordWithin } from '../../database/scope-of-record.ts'
import { type Limits, mayShareJobs } from '../../database/shared-jobs.ts'
import type { Fragment, Sql, Transaction } from '../../database/sql.ts'
import type { BulkChange } from '../change/bulk-change.ts'
import { closeOrphan, isOrphaned, type OrphanContext, orphanedAfterSeconds } from './liveness.ts'

/** Another operation of the same kind in an overlapping scope. */
export interface RunningOperation extends Record<'domain' | 'queue' | 'job_type', string | null> {
  id: number
  caller: string
  /** When it started, as `YYYY-MM-DD HH24:MI UTC`. */
  since: string
  affected: number
  /** A batch of it runs now: its record is locked. */
  busy: boolean
  /** When its server last updated the record. */
  touched: string
  /** The scope under which it runs, as JSON; null where its caller is not limited. */
  within: unknown
  /** The caller may see its record. */
  visible: boolean
}

const inSameScope = (tx: Sql, { scope, undoes }: Pick<BulkChange<unknown>, 'scope' | 'undoes'>): Fragment =>
  undoes === undefined ? overlaps(tx, scope) : tx`filters ->> 'operation' = ${String(undoes)}::text`

/** Closes the records of operations of this kind in this scope whose servers are gone. */
export async function closeOrphansInScope(
  tx: Transaction,
  context: OrphanContext,
  bulk: BulkChange<unknown>,
): Promise<void> {
  const orphans = await tx<{ id: number }[]>`
    select id
    from job_operations
    where state = 'running' and kind = ${bulk.kind} and ${inSameScope(tx, bulk)} and ${isOrphaned(tx, context.localOperations)}
    for update skip locked`
  for (const { id } of orphans) await closeOrphan(tx, { log: context.log, leavesJobs: bulk.leavesJobs }, id)
}

/**
 * The running operation of this kind whose scope overlaps; an operation with a running batch comes first. Two changes overlap where both
 * could change the same job, whatever jobs there are.
 */
export async function findRunning(tx: Sql, bulk: BulkChange<unknown>): Promise<RunningOperation | undefined> {
  const unlocked = tx`
    select id from job_operations where state = 'running' and kind = ${bulk.kind} for update skip locked`
  const running = await tx<RunningOperation[]>`
    with unlocked as materialized (${unlocked})
    select id, caller, to_char(started_at at time zone 'utc', 'YYYY-MM-DD HH24:MI "UTC"') as since, affected,
      id not in (select id from unlocked) as busy, touched_at::text as touched,
      domain, queue, job_type, filters -> 'within' as within, true ${isRecordWithin(tx, bulk.scope.within)} as visible
    from job_operations
    where state = 'running' and kind = ${bulk.kind} and ${inSameScope(tx, bulk)}
    order by busy desc, touched_at desc, id`
  return bulk.undoes === undefined ? running.find((one) => mayShareJobs(bulk.scope, limitsOf(one))) : running[0]
}

/** A scope that this version does not know may be over any jobs. */
const limitsOf = ({ domain, queue, job_type, within }: RunningOperation): Limits => ({
  domain: domain ?? undefined,
  queue: queue ?? undefined,
  job_type: job_type ?? undefined,
  within: TokenScope.safeParse(within).data,
})

/** True for a record whose scope overlaps: two scopes share no job where both set the same field to different values. */
const overlaps = (sql: Sql, { domain, queue, job_type }: Scope): Fragment => sql`
  coalesce(domain = ${domain ?? null}::text, true)
  and coalesce(queue = ${queue ?? null}::text, true)
  and coalesce(job_type = ${job_type ?? null}::text, true)`

/** The failure `conflict` of a change while `running` holds its scope. */
export function alreadyRunning(
  { kind }: Pick<BulkChange<unknown>, 'kind'>,
  { id, caller, since, affected, visible }: RunningOperation,
): Failure {
  const { name } = kindOf(kind)
  if (!visible) return runsElsewhere(name)
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

/** The same for a caller that may not see the record of `running`. */
const runsElsewhere = (name: string): Failure =>
  new Failure('conflict', `another ${name} runs; nothing was changed`, {
    hint: 'try again when it has ended',
    retryAfter: 5,
  })
