import { createCaller } from '../../stress/actors/caller.ts'
import { checksWithoutLoss } from '../../stress/checks/all.ts'
import { checkCounts } from '../../stress/checks/counts.ts'
import { checkEnded } from '../../stress/checks/enqueued.ts'
import { gather } from '../../stress/checks/evidence.ts'
import { checkAttempts, checkTransitions } from '../../stress/checks/histories.ts'
import { checkAfterFaults, checkResponses } from '../../stress/checks/responses.ts'
import type { Verdict } from '../../stress/checks/verdict.ts'
import { openJournal } from '../../stress/journal.ts'
import { createRandom } from '../../stress/random.ts'
import { checkHashChain } from '../../trust/records.ts'
import type { RoundResult, Witnessed } from '../stage.ts'
import { checkExplainedLoss, checkKept, checkNoLoss, lossOf } from './loss.ts'
import { checkPrune } from './pruned.ts'
import { checkIdsOnce, checkReadersAcrossLoss } from './readers.ts'
import { checkWritesBack, outageOf } from './writes.ts'

/** After the promotion, in milliseconds, no call fails any more. */
const graceMs = 2000

/** Judges a round, and ends its servers. */
export async function judgeRound(witnessed: Witnessed): Promise<RoundResult> {
  const { sql, stage, servers, load, ended, before, outcomes, promoted, old } = witnessed
  const { folder, rows, seed } = stage
  const { readers } = load
  const evidence = await gather({ sql, journals: folder, readers, outages: [], numbers: ended.numbers })
  const loss = lossOf(evidence)
  const urls = servers.map(({ url }) => url)
  const outage = outageOf(evidence.entries, urls, promoted)
  const journal = openJournal(folder, 'judge')
  const caller = createCaller({ name: 'judge', servers: urls, journal, random: createRandom(seed, 'judge') })
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
    await checkChain(witnessed),
    await checkCounts(caller),
    await checkProcesses(witnessed),
  ]
  await caller.close()
  return { loss, outage, verdicts }
}

async function checkChain({ servers }: Witnessed): Promise<Verdict> {
  const wrong: string[] = []
  await checkHashChain({ servers, reportViolation: (violation: string) => void wrong.push(violation) })
  return { claim: 'the hash chain of the records holds', looked: 1, wrong }
}

async function checkProcesses({ servers, ended: { faults } }: Witnessed): Promise<Verdict> {
  await Promise.all(servers.map((server) => server.end('SIGTERM')))
  const wrong = [...faults, ...servers.flatMap((server) => server.errors())]
  return { claim: 'no process made a mistake', looked: servers.length, wrong }
}
