import { requireNoneElsewhere } from '../auth/require-scope.ts'
import type { Acting, ChangeServer, Requested } from '../call.ts'
import { refuseWhileFrozen } from '../database/installation/freeze.ts'
import { holdLock } from '../database/locks/hold-lock.ts'
import type { Transaction } from '../database/sql.ts'
import { limitIdleTime } from '../database/timeouts.ts'
import { affectedBy, type BatchCounts, type BulkChange } from './change/bulk-change.ts'
import { authorizeSize, type Bounds, noteSize, readBounds } from './limits/authorize.ts'
import type { ChangeSize } from './limits/size.ts'
import { addToRecord, insertEvent } from './record/add-to-record.ts'
import { insertRecord } from './record/begin.ts'
import { closeRecord } from './record/close-record.ts'

/** What a change in one transaction needs of a call. */
export type AtOnceCall = Pick<ChangeServer, 'operatorSql' | 'approvalAbove' | 'archiveDays'> &
  Acting &
  Pick<Requested, 'reason' | 'requestId' | 'emergency'>

/** How many jobs a change in one transaction touches, those outside of the scope of its caller among its `dependents`. */
export interface Counted extends ChangeSize {
  dependents_elsewhere: number
}

/** A change of few jobs, which are locked and counted before, and changed in one statement. */
export interface ChangeAtOnce extends Pick<BulkChange<unknown>, 'kind' | 'scope' | 'request' | 'affected' | 'planned'> {
  /**
   * Locks the jobs that the change names, and counts their dependents.
   * @returns undefined where nothing is left to change
   * @throws Failure for a change that is too large for one transaction
   */
  count: (tx: Transaction) => Promise<Counted | undefined>
  /** Makes the change, with the row images of an undo. Its counts have `dependents` and, under a scope, `dependents_elsewhere`. */
  change: (tx: Transaction, operation: number) => Promise<BatchCounts>
}

/** What was changed, and under which record. */
interface ChangedAtOnce {
  operation: number
  counts: BatchCounts
}

/**
 * Makes a change of few jobs with its record in one transaction. It is refused whole: by the scope, the limits and the approvals that
 * hold for a change of many jobs. Unlike one of those it waits for no other change of its kind, since nobody sees a part of it.
 * @returns undefined where nothing was left to change, or more went along than was counted: nothing was changed then
 * @throws Failure `frozen`, `forbidden`, `limit_exceeded`, `quota_exceeded`, `approval_required`; whatever the change throws. Nothing was
 *   changed then
 */
export const runAtOnce = (call: AtOnceCall, bulk: ChangeAtOnce): Promise<ChangedAtOnce | undefined> =>
  changeOnce(call, bulk).catch((error: unknown) => {
    if (error instanceof Outgrown) return undefined
    throw error
  })

/** More dependents are changed than were compared with the limits. The transaction rolls back. */
class Outgrown extends Error {}

const changeOnce = (call: AtOnceCall, bulk: ChangeAtOnce): Promise<ChangedAtOnce | undefined> =>
  call.operatorSql.begin(async (tx) => {
    await tx`select ${limitIdleTime(tx)}`
    const bounds = await readBounds(tx, call, bulk)
    // Taken before any row is locked, so that no worker waits behind those who begin other changes.
    if (bounds) await holdLock(tx, 'operations')
    await refuseWhileFrozen(tx)
    const counted = await bulk.count(tx)
    return counted && changeCounted(tx, call, bulk, { bounds, counted })
  })

interface Counting {
  bounds: Bounds | undefined
  counted: Counted
}

async function changeCounted(
  tx: Transaction,
  call: AtOnceCall,
  bulk: ChangeAtOnce,
  { bounds, counted }: Counting,
): Promise<ChangedAtOnce> {
  requireNoneElsewhere(call, counted.dependents_elsewhere)
  const described = { ...bulk, previewToken: undefined }
  const record = await insertRecord(tx, { ...call, idempotencyKey: undefined }, described, undefined)
  const { operation } = record
  const context = { ...call, operation }
  if (bounds) await authorizeSize(tx, context, bulk, { ...bounds, size: counted })
  const counts = await bulk.change(tx, operation)
  const affected = affectedBy(bulk, counts)
  const size = { jobs: affected, dependents: counts.dependents ?? 0 }
  // A job may have begun to depend on these since they were counted.
  requireNoneElsewhere(call, counts.dependents_elsewhere ?? 0)
  if (bounds && size.dependents > counted.dependents) throw new Outgrown()
  await noteSize(tx, operation, size)
  await addToRecord(tx, { operation }, counts, affected)
  await insertEvent(tx, { ...call, ...record }, described, affected)
  await closeRecord(tx, operation, { state: 'done', answer: { affected, ...counts } }, undefined)
  return { operation, counts }
}
