import Table from 'cli-table3'
import type { Measured } from './figure.ts'

/** Returns the results as a text table for the terminal, followed by the notes. */
export function formatTable(rows: readonly Measured[]): string {
  const table = new Table({
    head: ['figure', 'ours', 'against', '', 'ratio', 'target', 'met'],
    style: { head: [], border: [], compact: true },
    colWidths: [50, null, 34, null, null, null, null],
    wordWrap: true,
  })
  for (const row of rows) table.push(cells(row))
  const notes = rows.flatMap(({ figure, note, failed }) => {
    if (failed !== undefined) return [`${figure}: could not be measured: ${failed}`]
    return note === undefined ? [] : [`${figure}: ${note}`]
  })
  return [table.toString(), ...notes.map((note) => `- ${note}`)].join('\n')
}

function cells({ figure, against, unit, ours, theirs, ratio, reach, reached, failed }: Measured): string[] {
  if (ours === undefined || theirs === undefined || ratio === undefined) {
    return [figure, '', against, '', failed === undefined ? '' : 'failed', reach ?? '', '']
  }
  const met = reached === undefined ? '' : reached ? 'yes' : 'no'
  return [figure, `${short(ours)} ${unit}`, against, `${short(theirs)} ${unit}`, short(ratio), reach ?? '', met]
}

/** Rounds to three significant digits, since measurements vary more than that between runs. */
function short(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return String(Number(value.toPrecision(3)))
}
