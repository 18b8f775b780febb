import type { Fault } from '../../../shared/errors.ts'
import type { Finished, FinishItem, FinishResult } from '../../../shared/work/finish.ts'
import type { JobId } from '../../../shared/work/job-key.ts'
import type { Call, Reading, ServerContext } from '../../call.ts'
import { afterChange } from '../../database/errors/outcome-unknown.ts'
import { retryDeadlock } from '../../database/errors/retry-deadlock.ts'
import { leaseLost, mayFinish, singleResult } from '../../lifecycle/lease-owner.ts'
import { fieldOf, rejectFaults, rejectLarge } from '../../lifecycle/server-limits.ts'
import { explainUnsettled, type KeyedFinish, withFinishKey } from '../../lifecycle/settle/finish-replay.ts'
import { attemptsOf, completionsOf } from '../../lifecycle/settle/leased-attempts.ts'
import { settle } from '../../lifecycle/settle/settle.ts'
import { settleCompleted } from '../../lifecycle/settle/settle-completed.ts'
import type { InputOf, OwnInputOf } from '../handlers.ts'
import { namingEachJob } from '../known-ids.ts'

/** What a finish takes of a call. */
export type FinishCall = Reading &
  Pick<
    Call,
    | 'requestId'
    | 'quarantineThreshold'
    | 'requireCompletionToken'
    | 'maxJsonBytes'
    | 'reportChangedRows'
    | 'leaseOwner'
    | 'sharedComplete'
  >

/** @throws Failure `not_found`, `lease_lost`, `conflict`, `too_large`, or `invalid_request` for a missing completion token */
export const completeJob = (call: FinishCall, request: OwnInputOf<'complete'>): Promise<Finished> =>
  finishOne(call, { ...request, action: 'complete' })

/** @throws as `completeJob` */
export const failJob = (call: FinishCall, request: OwnInputOf<'fail'>): Promise<Finished> =>
  finishOne(call, { ...request, action: 'fail' })

/** @throws as `completeJob` */
export const releaseJob = (call: FinishCall, request: OwnInputOf<'release'>): Promise<Finished> =>
  finishOne(call, { ...request, action: 'release' })

const finishOne = async (call: FinishCall, item: FinishItem): Promise<Finished> =>
  singleResult(await finish(call, [item], () => undefined))

/**
 * Finishes jobs, each on its own: a rejected one does not keep another from being finished.
 * @returns the results in the order of the request
 */
export const finishJobs = namingEachJob<FinishCall, InputOf<'finishMany'>['jobs'][number], FinishResult>(finish)

/** Finishes jobs as `finishJobs`, and answers how many were finished, and the codes of the others. */
export async function finishMinimally(call: FinishCall, request: InputOf<'finishMany'>) {
  const { results } = await finishJobs(call, request)
  const failed = results.flatMap((result, index) => (result.ok ? [] : [{ index, code: result.code }]))
  return { body: { ok: results.length - failed.length, failed } }
}

/** @param indexOf the index of an item in the request; undefined for a request about one job */
async function finish(
  call: FinishCall,
  items: readonly FinishItem[],
  indexOf: (at: number) => number | undefined,
): Promise<FinishResult[]> {
  rejectFaults(items.flatMap((item, at) => tokenFaults(call, item, fieldOf('completion_token', indexOf(at)))))
  for (const item of items) rejectLargeResult(call, item)
  const keyed = items.filter(({ lease_id }) => mayFinish(call.leaseOwner, lease_id)).map(withFinishKey)
  const settled = (await settleTogether(call, keyed)) ?? (await settleAlone(call, keyed))
  call.reportChangedRows(settled.length)
  const results = new Map<JobId, FinishResult>(settled.map((job) => [job.id, { ok: true, ...job }]))
  const unsettled = keyed.filter(({ id }) => !results.has(id))
  if (unsettled.length > 0) {
    const explained = await explainUnsettled(call, unsettled).catch(afterChange(settled.length))
    for (const result of explained) results.set(result.id, result)
  }
  // A lease of another token is not even looked at.
  const looked = new Set(keyed.map(({ id }) => id))
  return items.flatMap(({ id }) => (looked.has(id) ? (results.get(id) ?? []) : leaseLost(id)))
}

/**
 * Completes a single job, in one statement with those that other calls complete at the same time.
 * @returns undefined for other finishes, and for a job that is to be settled alone: that waits for a locked row
 */
async function settleTogether(
  call: FinishCall,
  [item, ...others]: readonly KeyedFinish[],
): Promise<Finished[] | undefined> {
  if (item?.action !== 'complete' || others.length > 0) return undefined
  const completed = await call.sharedComplete(call, item)
  return completed && [completed]
}

const settleAlone = (call: FinishCall, keyed: readonly KeyedFinish[]): Promise<Finished[]> =>
  retryDeadlock(() =>
    keyed.every(({ action }) => action === 'complete')
      ? settleCompleted(call.sql, completionsOf(call, keyed))
      : settle(call.sql, call, attemptsOf(call, keyed)),
  )

function tokenFaults(
  { requireCompletionToken }: Pick<ServerContext, 'requireCompletionToken'>,
  { completion_token }: FinishItem,
  path: string,
): Fault[] {
  if (!requireCompletionToken || completion_token !== undefined) return []
  return [{ path, message: 'is required on this server (JOBS_REQUIRE_COMPLETION_TOKEN)' }]
}

/** @throws Failure `too_large` */
function rejectLargeResult({ maxJsonBytes: most }: Pick<ServerContext, 'maxJsonBytes'>, item: FinishItem): void {
  if (item.action === 'complete') rejectLarge(item.result, { of: `the result of job ${item.id}`, most })
  if (item.action === 'fail') rejectLarge(item.error_stack, { of: `the stack of job ${item.id}`, most })
}
