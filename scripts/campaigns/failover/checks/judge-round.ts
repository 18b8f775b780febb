import { closeStage } from '../../soak/closing.ts'
import { checksWithoutLoss } from '../../stress/checks/all.ts'
import { checkEnded } from '../../stress/checks/enqueued.ts'
import { gather } from '../../stress/checks/evidence.ts'
import { checkAttempts, checkTransitions } from '../../stress/checks/histories.ts'
import { checkAfterFaults, checkResponses } from '../../stress/checks/responses.ts'
import type { RoundResult, Witnessed } from '../stage.ts'
import { checkExplainedLoss, checkKept, checkNoLoss, lossOf } from './loss.ts'
import { checkPrune } from './pruned.ts'
import { checkIdsOnce, checkReadersAcrossLoss } from './readers.ts'
import { checkWritesBack, outageOf } from './writes.ts'

/** After the promotion, in milliseconds, no call fails any more. */
const graceMs = 2000

/** Judges a round, and ends its servers. */
export async function judgeRound(witnessed: Witnessed): Promise<RoundResult> {
  const { sql, stage, servers, load, ended, lastEvent, before, outcomes, promoted, old } = witnessed
  const { folder, rows } = stage
  const { readers } = load
  const evidence = await gather({ sql, journals: folder, readers, lastEvent, outages: [], numbers: ended.numbers })
  const loss = lossOf(evidence)
  const urls = servers.map(({ url }) => url)
  const outage = outageOf(evidence.entries, urls, promoted)
  const pruned = await checkPrune({ sql, before, rows, outcomes, lossless: old === undefined })
  const verdicts = [
    checkWritesBack(outage),
    ...(old
      ? [
          checkExplainedLoss(loss, old),
          checkKept(evidence, old),
          checkIdsOnce(evidence, old),
          ...checkReadersAcrossLoss(evidence, old),
        ]
      : [checkNoLoss(loss), ...checksWithoutLoss(evidence)]),
    ...[checkEnded(evidence), checkTransitions(evidence), checkAttempts(evidence), checkResponses(evidence)],
    checkAfterFaults(evidence, promoted + graceMs),
    pruned,
    ...(await closeStage({ servers })),
    { claim: 'no worker ends by an error', looked: 1, wrong: ended.faults },
  ]
  return { loss, outage, verdicts }
}
