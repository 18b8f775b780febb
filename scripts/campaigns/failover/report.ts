import Table from 'cli-table3'
import { grouped } from '../stress/checks/grouped.ts'
import type { Verdict } from '../verdict.ts'
import type { Mode } from './cluster/patroni.ts'
import type { RoundResult } from './stage.ts'

export interface Reported extends RoundResult {
  mode: Mode
  fault: string
}

/** Prints a line of figures for each round. */
export function printFigures(rounds: readonly Reported[]): void {
  const table = new Table({
    head: [
      'round',
      'acknowledged',
      'lost',
      'doubled',
      'outcome unknown',
      's without writes',
      's from promotion to first write',
    ],
    style: { head: [], border: [] },
  })
  for (const { mode, fault, loss, outage } of rounds) {
    table.push([
      ...[`${mode}: ${fault}`, loss.acknowledged, loss.lost.length, loss.doubled.length, loss.unknown],
      outage.withoutWrites.toFixed(2),
      Math.max(...outage.untilWrites.map(({ seconds }) => seconds)).toFixed(2),
    ])
  }
  console.log(table.toString())
}

/** The verdicts of all rounds, one for each claim; violations name their round. */
export const summed = (rounds: readonly Reported[]): Verdict[] => {
  const all = rounds.flatMap(({ mode, fault, verdicts }) =>
    verdicts.map(({ claim, looked, wrong }) => ({
      ...{ claim, looked, wrong: wrong.map((what) => `${mode}, ${fault}: ${what}`) },
    })),
  )
  return [...grouped(all, ({ claim }) => claim)].map(([claim, each]) => ({
    claim,
    looked: each.reduce((sum, { looked }) => sum + looked, 0),
    wrong: each.flatMap(({ wrong }) => wrong),
  }))
}
