import { checkAnswers, checkQuiet } from './answers.ts'
import { checkEnded, checkEnqueued, checkPruned } from './enqueued.ts'
import type { Evidence } from './evidence.ts'
import { checkCompletions, checkOneEnd, checkOneEvent } from './finishes.ts'
import { checkAttempts, checkSteps } from './histories.ts'
import { checkLeaseTimes, checkOwnLease } from './leases.ts'
import { checkReaders } from './readers.ts'
import { checkRefused, checkRefusedItems } from './refusals.ts'
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
