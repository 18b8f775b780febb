import { setTimeout as wait } from 'node:timers/promises'
import type { Outcome } from './calls.ts'
import { undoing } from './changes.ts'
import { type Change, type Context, retryWhileUnavailable } from './context.ts'
import type { Fault } from './faults.ts'
import { differingParts, type Fingerprints, takeFingerprints } from './fingerprints.ts'
import { checkHashChain, checkRecords, checkResponses, operationsSince, untilEnded } from './records.ts'
import { sendWithFault } from './send-with-fault.ts'

interface Round {
  change: Change
  /** The faults that are injected into the change, one per call. */
  faults: readonly Fault[]
  /** A fault that is injected into the first undo. */
  undoFault: Fault | undefined
  /** The fingerprints before the first round, which the rows must have again at the end of this round. */
  before: Fingerprints
  /** Returns the number of jobs that match the change: 0 once it is done. */
  countMatching: () => Promise<number>
  /** The domains whose jobs the change updates. They are not compared until the undo. */
  updatedDomains: readonly string[]
}

/**
 * Runs a change with faults until it is done, checks rows, records and responses, undoes the change, and checks again.
 */
export async function runRound(context: Context, round: Round): Promise<void> {
  const { change, faults, undoFault, before, countMatching, updatedDomains } = round
  const { sql, reportViolation } = context
  const since = await lastOperation(context)
  const matched = await countMatching()
  const outcomes = await runWithFaults(context, change, faults)
  await checkHashChain(context)
  const found = await operationsSince(context, since)
  checkRecords(context, found)
  checkResponses(context, outcomes, found)
  const affected = found.reduce((sum, record) => sum + record.affected, 0)
  const dependents = found.reduce((sum, record) => sum + record.cancelledDependents, 0)
  if (affected + dependents !== matched) {
    reportViolation(`${change.name}: changed ${affected} jobs and ${dependents} dependents, but ${matched} matched`)
  }
  const remaining = await countMatching()
  if (remaining !== 0) reportViolation(`${change.name}: ${remaining} jobs still match`)
  const compareRows = async (ignored: readonly string[]) =>
    differingParts(await retryWhileUnavailable(() => takeFingerprints(sql)), before, ignored)
  const after = await compareRows(updatedDomains)
  if (after.length > 0) reportViolation(`${change.name}: ${after.join(' and ')} differ after the change`)
  const effective = found.filter((record) => record.affected > 0)
  const batches = effective.map((record) => record.batches).join('+')
  context.log(`${change.name}: ${affected} jobs in ${effective.length} operations of ${batches} batches`)
  for (const [at, record] of [...effective].reverse().entries()) {
    const sinceUndo = await lastOperation(context)
    const undo = undoing(context, record.id, record.affected)
    const undoOutcomes = await runWithFaults(context, undo, at === 0 && undoFault ? [undoFault] : [])
    const undos = await operationsSince(context, sinceUndo)
    checkRecords(context, undos)
    checkResponses(context, undoOutcomes, undos)
    const restored = undos.reduce((sum, { affected }) => sum + affected, 0)
    const expected = record.affected + record.cancelledDependents
    if (restored !== expected) reportViolation(`${undo.name}: restored ${restored} of ${expected} jobs`)
  }
  // The next round begins with the same jobs, which the undos hold.
  await retryWhileUnavailable(() => sql`delete from jobsctl_holds`)
  await checkHashChain(context)
  const afterUndo = await compareRows([])
  if (afterUndo.length > 0) reportViolation(`${change.name}: ${afterUndo.join(' and ')} differ after the undo`)
}

/** Sends the change with one fault after the other, and then without faults until it is done. Returns the outcomes. */
async function runWithFaults(context: Context, change: Change, faults: readonly Fault[]): Promise<Outcome<unknown>[]> {
  const { random, servers, log, reportViolation } = context
  const outcomes: Outcome<unknown>[] = []
  const send: Change['send'] = async (...call) => {
    const outcome = await change.send(...call)
    outcomes.push(outcome)
    return outcome
  }
  for (const fault of faults) {
    await sendWithFault(context, { ...change, send }, fault)
    // In half of the cases the next call comes while the record of the last call is still running.
    if (random.chance(0.5)) await untilEnded(context)
  }
  const { url } = random.pick(servers)
  const limitSeconds = 60
  for (const began = Date.now(); ; await wait(300)) {
    const { code, detail } = await send(url)
    const seconds = Math.round((Date.now() - began) / 1000)
    if (code === undefined && seconds > limitSeconds / 3) log(`${change.name}: completion took ${seconds} s`)
    if (code !== undefined && seconds > limitSeconds) {
      reportViolation(`${change.name}: not done after ${limitSeconds} s: ${code}, ${detail}`)
    }
    if (code === undefined || seconds > limitSeconds) break
  }
  await untilEnded(context)
  return outcomes
}

/** Returns the highest id of an operation, or 0. */
const lastOperation = ({ sql }: Context): Promise<number> =>
  retryWhileUnavailable(async () => {
    const [row] = await sql<[{ id: number }]>`select coalesce(max(id), 0)::int as id from job_operations`
    return row.id
  })
