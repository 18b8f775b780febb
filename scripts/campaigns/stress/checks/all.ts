import type { Verdict } from '../../verdict.ts'
import { checkEnded, checkEnqueued, checkPruned } from './enqueued.ts'
import type { Evidence } from './evidence.ts'
import { checkCompletions, checkOneEnd, checkOneEvent } from './finishes.ts'
import { checkAttempts, checkTransitions } from './histories.ts'
import { checkLeaseTimes, checkOwnLease } from './leases.ts'
import { checkReaders } from './readers.ts'
import { checkRejected, checkRejectedItems } from './rejections.ts'
import { checkAfterFaults, checkResponses } from './responses.ts'

/** Runs all checks. `steadySince` is the time after which no call may fail, in milliseconds since 1970. */
export const checkAll = (evidence: Evidence, steadySince: number): Verdict[] => [
  checkEnded(evidence),
  checkPruned(evidence),
  checkTransitions(evidence),
  checkAttempts(evidence),
  ...checksWithoutLoss(evidence),
  checkResponses(evidence),
  checkAfterFaults(evidence, steadySince),
]

/** What the journals and the database agree on while the database has lost no commit. */
export const checksWithoutLoss = (evidence: Evidence): Verdict[] => [
  checkEnqueued(evidence),
  checkOwnLease(evidence),
  checkLeaseTimes(evidence),
  checkCompletions(evidence),
  checkOneEnd(evidence),
  checkOneEvent(evidence),
  checkRejected(evidence),
  checkRejectedItems(evidence),
  ...checkReaders(evidence),
]
