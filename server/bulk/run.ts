import { requireMeeting } from '../auth/require-scope.ts'
import type { Call } from '../call.ts'
import { databaseFailure, isConnectionLost } from '../database/errors/failure.ts'
import { attend } from './attend.ts'
import type { BulkChange, Operation } from './bulk-change.ts'
import { AcceptedChange } from './detached/accepted.ts'
import { keepRequest } from './detached/kept-request.ts'
import { startDetached } from './detached/start-detached.ts'
import { readCourse } from './detached/take-over.ts'
import { enforceMax, requireMax } from './enforce-max.ts'
import { authorize } from './limits/authorize.ts'
import { forgetEmergency } from './limits/emergencies.ts'
import { requireArchiveRoom } from './pressure/archive-room.ts'
import { previewOfBegun, type VerifiedPreview, verifyToken } from './preview/preview-token.ts'
import { type BeginContext, beginOperation } from './record/begin.ts'
import { findReplay, type Replay } from './record/idempotent-replay.ts'
import { readStorage } from './rewritten.ts'
import { type RunContext, runOperation } from './run-operation.ts'
import { withHolds } from './with-holds.ts'
import { withinPolicy } from './within-policy.ts'

/** What the engine needs of a call. */
type BulkCall = BeginContext &
  Pick<
    Call,
    | 'workerSql'
    | 'lockTimeoutMs'
    | 'pressureLimits'
    | 'disconnected'
    | 'stopping'
    | 'reportProgress'
    | 'reportChangedRows'
    | 'localOperations'
    | 'detachedRuns'
    | 'archiveBeforeDelete'
    | 'quarantineThreshold'
    | 'policy'
    | 'resumes'
    | 'may'
    | 'emergency'
    | 'approvalAbove'
  >

/**
 * Runs a bulk change, and is the only way to run one: it verifies the preview, begins an operation that is alone of its kind
 * in its scope, enforces `max`, runs the batches, and closes the record. An idempotent replay returns the first answer.
 * @throws Failure `preview_stale`, `preview_incomplete`, `conflict`, `forbidden`, `limit_exceeded` (also for a full archive), `quota_exceeded` or
 *   `approval_required` before any job is changed; `partial` when the
 *   operation stopped after some jobs; `outcome_unknown` when its last batch may or may not be committed; any failure of the
 *   database when it stopped before its first batch; AcceptedChange for a change that goes on without its caller
 */
export async function runBulkChange<Answer>(call: BulkCall, asked: BulkChange<Answer>): Promise<Answer> {
  requireMeeting(call, asked.scope)
  const scoped = underScope(call, asked)
  // The key that signed the preview of a request that is sent again may have been rotated away.
  const first =
    call.resumes || call.policy ? undefined : await findReplay(call.sql, call, scoped).catch(rethrowBeforeFirstBatch)
  if (first) return firstAnswer(first)
  const { previewToken, kind, filters } = scoped
  const { formerCaller, within } = call
  const subject = { kind, filters, caller: call.binding?.key ?? call.caller, formerCaller, within }
  const verified = (token: string) =>
    call.resumes ? previewOfBegun(token, subject) : verifyToken(call.sql, token, subject)
  const previewed = previewToken === undefined ? undefined : await verified(previewToken)
  const bulk = call.policy ? withinPolicy(scoped, call.policy, previewed) : scoped
  requireMax(bulk, previewed)
  if (call.resumes) return resume({ ...call, ...call.resumes }, bulk, previewed)
  await requireArchiveRoom(call.sql, call.pressureLimits, bulk).catch(rethrowBeforeFirstBatch)
  // Before the snapshot of the record, so that no rewrite between the two goes unnoticed.
  const storage = previewed ? undefined : await readStorage(call.sql).catch(rethrowBeforeFirstBatch)
  const begun = await beginOperation(call, bulk, previewed).catch(rethrowBeforeFirstBatch)
  if (!('operation' in begun)) return firstAnswer(begun)
  const context = { ...call, ...begun }
  const leave = attend(context)
  let hold: string
  try {
    const counted = await beforeFirstBatch(context, () => enforceMax(context, bulk, previewed))
    await beforeFirstBatch(context, () => authorize(context, bulk, { previewed, counted }))
    await beforeFirstBatch(context, async () => bulk.check?.(context.sql, await withHolds(context.sql, bulk, context)))
    if (!call.detach) return await runOperation(context, bulk, { previewed, storage })
    hold = await keepRequest(context, call.detach).catch(async (cause: unknown) => {
      // Where the answer is lost, the change may go on.
      if (!isConnectionLost(cause)) await deleteRecord(context).catch(() => {})
      throw cause
    })
  } finally {
    leave()
  }
  startDetached({ ...context, hold }, bulk, { previewed, storage })
  throw accepted(begun, bulk, previewed)
}

/** @throws AcceptedChange for a request whose caller does not wait */
function firstAnswer<Answer>(first: Replay<Answer>): Answer {
  if ('accepted' in first) throw new AcceptedChange(first.accepted)
  return first.answer
}

/** The change as its record has it: with the scope of its caller, by which the record is found, and compared with the token. */
const underScope = <Answer>({ within }: Pick<Call, 'within'>, bulk: BulkChange<Answer>): BulkChange<Answer> =>
  within ? { ...bulk, request: { ...bulk.request, within } } : bulk

/** Goes on with an operation that another server has begun. @throws AcceptedChange when it goes on here */
async function resume(
  call: BulkCall & NonNullable<Call['resumes']>,
  bulk: BulkChange<unknown>,
  previewed: VerifiedPreview | undefined,
): Promise<never> {
  const { operation, before } = await readCourse(call.sql, call, bulk)
  const begun = { ...operation, excluded: previewed?.excluded }
  startDetached({ ...call, ...begun }, bulk, { previewed, before })
  throw accepted(begun, bulk, previewed)
}

const accepted = (
  { operation, asOf }: Operation,
  { kind }: Pick<BulkChange<unknown>, 'kind'>,
  previewed: VerifiedPreview | undefined,
): AcceptedChange =>
  new AcceptedChange({
    operation_id: operation,
    kind,
    state: 'running',
    previewed: previewed?.count ?? null,
    as_of: asOf,
  })

/**
 * Runs a step that may refuse the change.
 * @throws Failure of the step; the record is deleted, so that the preview and the idempotency key can be used again
 */
async function beforeFirstBatch<Result>(
  context: Pick<RunContext, 'sql' | 'operation'>,
  step: () => Promise<Result>,
): Promise<Result> {
  return step().catch(async (cause: unknown) => {
    await deleteRecord(context).catch(() => {})
    return rethrowBeforeFirstBatch(cause)
  })
}

/** A connection that breaks before the first batch changed no job, so the outcome is known. */
function rethrowBeforeFirstBatch(cause: unknown): never {
  throw isConnectionLost(cause) ? (databaseFailure(cause) ?? cause) : cause
}

const deleteRecord = ({ sql, operation }: Pick<RunContext, 'sql' | 'operation'>) =>
  sql.begin(async (tx) => {
    await tx`delete from job_operations where id = ${operation}::bigint and state = 'running' and affected = 0`
    await forgetEmergency(tx, operation)
  })
