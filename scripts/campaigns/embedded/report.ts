import Table from 'cli-table3'
import type { Case } from './case.ts'

/** What came of one case. */
export interface Row {
  of: Case
  /** The number of rounds that were played or skipped. */
  rounds: number
  /** How often what came, in words. */
  came: Map<string, number>
  lies: string[]
}

/** Prints a row for each case: what is promised, and what came. */
export function printTable(rows: readonly Row[]): void {
  const table = new Table({
    head: ['case', 'rounds', 'promise', 'what came', 'lies'],
    colWidths: [16, 8, 50, 50, 6],
    wordWrap: true,
    style: { head: [], border: [] },
  })
  for (const { of, rounds, came, lies } of rows) {
    const words = [...came].map(([what, times]) => `${times} × ${what}`)
    table.push([of.name, rounds, of.promised.map(({ sentence }) => sentence).join('\n'), words.join('\n'), lies.length])
  }
  console.log(`\n${table.toString()}`)
  for (const { of, lies } of rows) for (const lie of lies) console.log(`${of.name}: ${lie}`)
}
