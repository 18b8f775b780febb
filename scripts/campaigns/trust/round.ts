import { setTimeout as wait } from 'node:timers/promises'
import type { Blow } from './blows.ts'
import type { Outcome } from './calls.ts'
import { undoing } from './changes.ts'
import { interrupted } from './interrupted.ts'
import { differences, type Prints, takePrints } from './prints.ts'
import { judgeAnswers, judgeChain, judgeRecords, operationsSince, untilEnded } from './records.ts'
import { type Change, patiently, type Stage } from './stage.ts'

interface Round {
  change: Change
  blows: readonly Blow[]
  /** Strikes an undo, too. */
  undoBlow: Blow | undefined
  /** What everything must look like in the end. */
  before: Prints
  /** How many jobs match after it: none, if it was done. */
  left: () => Promise<number>
  /** Jobs of these domains are changed, and not compared until they are set back. */
  free: readonly string[]
}

/** A change, struck again and again until it is done; the judgement; and the way back to where it began. */
export async function runRound(stage: Stage, { change, blows, undoBlow, before, left, free }: Round): Promise<void> {
  const { sql, random, wrong } = stage
  const since = await lastOperation(stage)
  const matched = await left()
  const outcomes = await struck(stage, change, blows)
  await judgeChain(stage)
  const found = await operationsSince(stage, since)
  judgeRecords(stage, found)
  judgeAnswers(stage, outcomes, found)
  const affected = found.reduce((sum, record) => sum + record.affected, 0)
  const dropped = found.reduce((sum, record) => sum + record.dropped, 0)
  if (affected + dropped !== matched) wrong(`${change.name}: ${affected} and ${dropped} jobs changed of ${matched}`)
  const still = await left()
  if (still !== 0) wrong(`${change.name}: ${still} jobs are left`)
  const unlike = async (free: readonly string[]) => differences(await patiently(() => takePrints(sql)), before, free)
  const after = await unlike(free)
  if (after.length > 0) wrong(`${change.name}: ${after.join(' and ')} differ after it`)
  const taken = found.filter((record) => record.affected > 0)
  stage.tell(
    `${change.name}: ${affected} jobs in ${taken.length} operations of ${taken.map((t) => t.batches).join('+')} batches`,
  )
  for (const [at, record] of [...taken].reverse().entries()) {
    const undone = await lastOperation(stage)
    const undo = undoing(random, record.id, record.affected)
    const results = await struck(stage, undo, at === 0 && undoBlow ? [undoBlow] : [])
    const undos = await operationsSince(stage, undone)
    judgeRecords(stage, undos)
    judgeAnswers(stage, results, undos)
    const back = undos.reduce((sum, { affected }) => sum + affected, 0)
    const expected = record.affected + record.dropped
    if (back !== expected) wrong(`${undo.name}: ${back} jobs of ${expected}`)
  }
  await judgeChain(stage)
  const unlikeBefore = await unlike([])
  if (unlikeBefore.length > 0) wrong(`${change.name}: ${unlikeBefore.join(' and ')} differ after it was taken back`)
}

/** Strikes, one after the other, and goes on until the change is done. Returns how each call ended. */
async function struck(stage: Stage, change: Change, blows: readonly Blow[]): Promise<Outcome<unknown>[]> {
  const { random, servers, tell, wrong } = stage
  const outcomes: Outcome<unknown>[] = []
  const ask: Change['ask'] = async (...asked) => {
    const outcome = await change.ask(...asked)
    outcomes.push(outcome)
    return outcome
  }
  for (const blow of blows) {
    await interrupted(stage, { ...change, ask }, blow)
    // Sometimes the next call comes while the old one is still taken to run.
    if (random.chance(0.5)) await untilEnded(stage)
  }
  const { url } = random.pick(servers)
  const limit = 60
  for (const began = Date.now(); ; await wait(300)) {
    const { code, detail } = await ask(url)
    const seconds = Math.round((Date.now() - began) / 1000)
    if (code === undefined && seconds > limit / 3) tell(`${change.name}: going on took ${seconds} s`)
    if (code !== undefined && seconds > limit) wrong(`${change.name}: does not go on: ${code}, ${detail}`)
    if (code === undefined || seconds > limit) break
  }
  await untilEnded(stage)
  return outcomes
}

const lastOperation = ({ sql }: Stage): Promise<number> =>
  patiently(async () => {
    const [row] = await sql<[{ id: number }]>`select coalesce(max(id), 0)::int as id from job_operations`
    return row.id
  })
