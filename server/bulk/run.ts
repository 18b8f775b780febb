import type { Accepted } from '../../shared/changes/bulk-change.ts'
import { requireMeeting } from '../auth/require-scope.ts'
import type { ChangeServer } from '../call.ts'
import { databaseFailure, isConnectionLost } from '../database/errors/failure.ts'
import { readStorage } from './batches/rewritten.ts'
import { runOperation } from './batches/run-operation.ts'
import type { BulkChange, Operation, Running } from './change/bulk-change.ts'
import type { Claimed } from './change/claim.ts'
import type { Commission, Done, PolicyRun, Terms } from './change/commission.ts'
import { withHolds } from './change/with-holds.ts'
import { startDetached } from './detached/start-detached.ts'
import { readCourse } from './detached/take-over.ts'
import { enforceMax, requireMax } from './enforce-max.ts'
import { forgetEmergency } from './limits/approval.ts'
import { authorize } from './limits/authorize.ts'
import { requireArchiveRoom } from './pressure/archive-room.ts'
import { previewChange } from './preview/preview.ts'
import { beginOperation } from './record/begin.ts'
import { findReplay } from './record/idempotent-replay.ts'
import { keepRequest } from './record/kept-request.ts'
import { startHeartbeat } from './record/liveness.ts'
import { previewOfBegun, type VerifiedPreview, verifyToken } from './token/preview-token.ts'

/**
 * Runs a bulk change, and is the only way to run one. It verifies the preview, begins an operation that is alone of its kind in its scope,
 * enforces `max`, runs the batches, and closes the record. An idempotent replay returns the first answer. A dry run is previewed.
 * @returns the answer, or the operation of a change that goes on without its caller
 * @throws Failure `preview_stale`, `preview_incomplete`, `conflict`, `forbidden`, `limit_exceeded` (also for a full archive), `quota_exceeded` or
 *   `approval_required` before any job is changed; `partial` when the
 *   operation stopped after some jobs; `outcome_unknown` when its last batch may or may not be committed; any failure of the
 *   database when it stopped before its first batch; those of `previewChange` for a dry run
 */
export async function runBulkChange<Answer>(
  server: ChangeServer,
  asked: BulkChange<Answer>,
  commission: Commission,
): Promise<Done<Answer>> {
  const terms = { ...server, ...commission }
  if (asked.dryRun) return { answer: await asked.dryRun((options) => previewChange(terms, asked, options)) }
  requireMeeting(terms, asked.scope)
  const { sql, by, binding, caller, formerCaller, within, policy, taken, detach } = terms
  const scoped = underScope(within, asked)
  // The key that signed the preview of a request that is sent again may have been rotated away.
  const first =
    by === 'taken over' || by === 'policy'
      ? undefined
      : await findReplay(sql, terms, scoped).catch(rethrowBeforeFirstBatch)
  if (first) return first
  const { previewToken, kind, filters } = scoped
  const subject = { kind, filters, caller: binding?.key ?? caller, formerCaller, within }
  const verified = (token: string) => (taken ? previewOfBegun(token, subject) : verifyToken(sql, token, subject))
  const previewed = previewToken === undefined ? undefined : await verified(previewToken)
  const bulk = policy ? withinPolicy(scoped, policy, previewed) : scoped
  requireMax(bulk, previewed)
  if (taken) return resume({ ...terms, ...taken }, bulk, previewed)
  await requireArchiveRoom(sql, terms.pressureLimits, bulk).catch(rethrowBeforeFirstBatch)
  // Before the snapshot of the record, so that no rewrite between the two goes unnoticed.
  const storage = previewed ? undefined : await readStorage(sql).catch(rethrowBeforeFirstBatch)
  const begun = await beginOperation(terms, bulk, previewed).catch(rethrowBeforeFirstBatch)
  if (!('operation' in begun)) return begun
  const context = { ...terms, ...begun }
  const stopHeartbeat = startHeartbeat(context)
  let hold: string
  try {
    await beforeFirstBatch(context, async () => {
      const counted = await enforceMax(context, bulk, previewed)
      await authorize(context, bulk, { previewed, counted })
      await bulk.check?.(sql, await withHolds(sql, bulk, context))
    })
    if (!detach) return { answer: await runOperation(context, bulk, { previewed, storage }) }
    hold = await keepRequest(context, detach).catch(async (cause: unknown) => {
      // Where the answer is lost, the change may go on.
      if (!isConnectionLost(cause)) await deleteRecord(context).catch(() => {})
      throw cause
    })
  } finally {
    stopHeartbeat()
  }
  startDetached({ ...context, hold }, bulk, { previewed, storage })
  return accepted(begun, bulk, previewed)
}

/** The change as its record has it: with the scope of its caller, by which the record is found, and compared with the token. */
const underScope = <Answer>(within: Commission['within'], bulk: BulkChange<Answer>): BulkChange<Answer> =>
  within ? { ...bulk, request: { ...bulk.request, within } } : bulk

/**
 * The change as a rule of the policy makes it: its record names the rule, and it stops after the most jobs of one run. It takes the oldest
 * first where more were counted, which costs a sort.
 */
function withinPolicy<Answer>(
  bulk: BulkChange<Answer>,
  { rule, most }: PolicyRun,
  previewed: VerifiedPreview | undefined,
): BulkChange<Answer> {
  const limit = Math.min(most, bulk.limit ?? most)
  const isWhole = typeof previewed?.count === 'number' && previewed.count <= limit
  return { ...bulk, request: { ...bulk.request, limit: most, policy: rule }, limit, oldestFirst: !isWhole }
}

/** Goes on with an operation that another server has begun. */
async function resume(
  terms: Terms & Claimed,
  bulk: BulkChange<unknown>,
  previewed: VerifiedPreview | undefined,
): Promise<{ accepted: Accepted }> {
  const { operation, before } = await readCourse(terms.sql, terms, bulk)
  const begun = { ...operation, excluded: previewed?.excluded }
  startDetached({ ...terms, ...begun }, bulk, { previewed, before })
  return accepted(begun, bulk, previewed)
}

const accepted = (
  { operation, asOf }: Operation,
  { kind }: Pick<BulkChange<unknown>, 'kind'>,
  previewed: VerifiedPreview | undefined,
): { accepted: Accepted } => ({
  accepted: {
    operation_id: operation,
    kind,
    state: 'running',
    previewed: previewed?.count ?? null,
    as_of: asOf,
  },
})

/**
 * Takes the steps that may refuse the change.
 * @throws Failure of a step; the record is deleted, so that the preview and the idempotency key can be used again
 */
const beforeFirstBatch = (context: Pick<Running, 'sql' | 'operation'>, steps: () => Promise<void>): Promise<void> =>
  steps().catch(async (cause: unknown) => {
    await deleteRecord(context).catch(() => {})
    return rethrowBeforeFirstBatch(cause)
  })

/** A connection that breaks before the first batch changed no job, so the outcome is known. */
function rethrowBeforeFirstBatch(cause: unknown): never {
  throw isConnectionLost(cause) ? (databaseFailure(cause) ?? cause) : cause
}

const deleteRecord = ({ sql, operation }: Pick<Running, 'sql' | 'operation'>) =>
  sql.begin(async (tx) => {
    await tx`delete from job_operations where id = ${operation}::bigint and state = 'running' and affected = 0`
    await forgetEmergency(tx, operation)
  })
