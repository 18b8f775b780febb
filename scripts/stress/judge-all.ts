import { checkAnswers, checkQuiet } from './check-answers.ts'
import { checkEnded, checkEnqueued, checkPruned } from './check-enqueued.ts'
import { checkCompletions, checkOneEnd, checkOneEvent } from './check-finishes.ts'
import { checkAttempts, checkSteps } from './check-histories.ts'
import { checkLeaseTimes, checkOwnLease } from './check-leases.ts'
import { checkReaders } from './check-readers.ts'
import { checkRefused, checkRefusedItems } from './check-refusals.ts'
import type { Evidence } from './evidence.ts'
import type { Verdict } from './verdict.ts'

/** Everything that must be so after a run. */
export const judgeAll = (evidence: Evidence, quietSince: number): Verdict[] => [
  checkEnded(evidence),
  checkEnqueued(evidence),
  checkPruned(evidence),
  checkSteps(evidence),
  checkAttempts(evidence),
  checkOwnLease(evidence),
  checkLeaseTimes(evidence),
  checkCompletions(evidence),
  checkOneEnd(evidence),
  checkOneEvent(evidence),
  checkRefused(evidence),
  checkRefusedItems(evidence),
  ...checkReaders(evidence),
  checkAnswers(evidence),
  checkQuiet(evidence, quietSince),
]
