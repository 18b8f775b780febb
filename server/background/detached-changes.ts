import { setTimeout as wait } from 'node:timers/promises'
import * as z from 'zod'
import { TokenScope } from '../../shared/access/token-scope.ts'
import { Failure } from '../../shared/errors.ts'
import { giveBack } from '../bulk/change/claim.ts'
import { type Commission, unattended } from '../bulk/change/commission.ts'
import { findOtherDatabase } from '../bulk/detached/other-database.ts'
import { type TakenChange, takeOver } from '../bulk/detached/take-over.ts'
import { closeHeld } from '../bulk/record/close-record.ts'
import { KeptRequest } from '../bulk/record/kept-request.ts'
import { messageOf } from '../bulk/record/left-to-others.ts'
import type { ServerContext } from '../call.ts'
import { createErrorLog } from '../database/errors/error-log.ts'
import { changesByPath } from '../endpoints/changes/all.ts'
import { leavesJobs } from '../undo/leaves-jobs.ts'
import { requireServedToGoOn } from '../undo/require-served.ts'
import type { IsPaused } from './background-pause.ts'

/** The time between two looks for changes whose server is gone, in milliseconds. */
const pauseMs = 1000
/** The most changes without their callers that a server runs before it takes over no further one. */
const mostAtOnce = 8
/** The record is closed when this number of servers in a row could not change one job. */
const mostAttempts = 5

/**
 * Goes on with changes whose callers do not wait and whose server has stopped or died, until this server stops; with none while it
 * stands still. Resolves when all such changes of this server have ended or are left to another server.
 */
export async function goOnWithChanges(
  serving: ServerContext,
  { isReady, isPaused }: { isReady: () => boolean; isPaused: IsPaused },
): Promise<void> {
  const { stopping, log, detachedRuns } = serving
  const errors = createErrorLog(log, 'taking over changes')
  while (!stopping.aborted) {
    await wait(pauseMs, undefined, { signal: stopping, ref: false }).catch(() => {})
    if (stopping.aborted || !isReady()) continue
    try {
      if (!(await isPaused())) await takeOverAll(serving)
      errors.clear()
    } catch (error) {
      errors.warn(error)
    }
  }
  await Promise.allSettled(detachedRuns)
}

async function takeOverAll(serving: ServerContext): Promise<void> {
  const { workerSql, localOperations, detachedRuns, stopping } = serving
  while (detachedRuns.size < mostAtOnce && !stopping.aborted) {
    const taken = await takeOver(workerSql, localOperations)
    if (!taken) return
    if (taken.attempts > mostAttempts) await giveUp(serving, taken)
    // The next server to look may be able to go on with it, so that this one does not take it over again at once.
    else if (!(await goesOn(serving, taken))) return
  }
}

async function goesOn(serving: ServerContext, taken: TakenChange): Promise<boolean> {
  const { workerSql, log } = serving
  const { operation, affected } = taken
  try {
    const { path, input, origin, ...kept } = KeptRequest.parse(JSON.parse(taken.request))
    const moved = await findOtherDatabase(workerSql, taken, origin)
    if (moved !== undefined) return await endHere(serving, taken, moved)
    await requireServedToGoOn(serving.operatorSql, operation)
    const make = changesByPath.get(path)
    if (!make) throw new Failure('conflict', `this version of the server has no ${path}`)
    const { archive: archiveBeforeDelete, quarantine_threshold: quarantineThreshold } = kept
    const server = { ...serving, sql: serving.operatorSql, archiveBeforeDelete, quarantineThreshold }
    await make(server, commissionOf(taken, kept), input)
    log.warn(`operation ${operation} goes on here`, { affected })
    return true
  } catch (error) {
    const problem =
      error instanceof z.ZodError ? 'this version of the server does not take its request' : messageOf(error)
    log.warn(`operation ${operation} cannot go on here: ${problem}`)
    await giveBack(workerSql, taken, problem)
    return false
  }
}

async function giveUp({ workerSql, log }: ServerContext, taken: TakenChange): Promise<void> {
  const why = taken.problem === null ? 'its servers died one after the other' : `no server can go on: ${taken.problem}`
  await endHere({ workerSql, log }, taken, why)
}

/** Closes the record: nothing more of the change is made. @returns true, since other changes may go on here */
async function endHere(
  { workerSql, log }: Pick<ServerContext, 'workerSql' | 'log'>,
  taken: TakenChange,
  why: string,
): Promise<boolean> {
  const closed = await workerSql.begin((tx) => closeHeld(tx, taken, { state: 'partial', error: why }, leavesJobs))
  if (closed) log.warn(`operation ${closed.id} is ${closed.state}: ${why}`, { affected: closed.affected })
  return true
}

/** The commission of a change that goes on: that of its caller, as far as the database has it. */
const commissionOf = (
  { operation, hold, caller, within, reason, request_id, idempotency_key }: TakenChange,
  { former_caller, policy, binding }: Pick<KeptRequest, 'former_caller' | 'policy' | 'binding'>,
): Commission => ({
  by: 'taken over',
  ...unattended,
  caller,
  identity: { name: caller, role: '', principal: caller },
  // What it takes to begin the change was asked when it began.
  may: new Set(),
  // The change stops before its next batch where the scope of the token is another one by now.
  within: within === null ? undefined : TokenScope.parse(within),
  formerCaller: former_caller,
  requestId: request_id ?? '',
  reason: reason ?? undefined,
  idempotencyKey: idempotency_key ?? undefined,
  policy,
  binding,
  taken: { operation, hold },
})
