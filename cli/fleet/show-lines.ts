import { escaped } from '../../shared/text/escape.ts'
import type { Printer } from '../output/print.ts'
import type { Column } from '../output/table.ts'
import type { Head, Line, Printed } from './collect.ts'

/** What one profile printed. */
export interface Answered {
  profile: string
  printed: Printed
}

/**
 * Prints the rows of all profiles as one table, each with the name of its profile, and then what they said beside.
 * @param selects whether `--columns` or `--template` choose fields of the rows: JSON then has a record for each row, and else the answers
 */
export function showLines(print: Printer, answered: readonly Answered[], selects: boolean): void {
  const all = answered.map(({ printed }) => printed)
  print.rows({
    columns: [
      profile,
      ...columnsOf(
        all.map(({ heads }) => heads),
        'cells',
      ),
    ],
    more: columnsOf(
      all.map(({ more }) => more),
      'cells',
    ),
    forPeople: [
      profile,
      ...columnsOf(
        all.map(({ headsForPeople }) => headsForPeople),
        'cellsForPeople',
      ),
    ],
    rows: all.flatMap(({ lines }) => lines),
    json: answered.flatMap(({ profile, printed: { lines, records } }) =>
      (selects ? lines.map(({ record = {} }) => record) : records).map((record) => withProfile(profile, record)),
    ),
    empty: 'no rows',
  })
  for (const { profile, printed } of answered)
    for (const line of [...(print.structured ? [] : printed.texts), ...printed.asides])
      print.aside(`${escaped(profile)}: ${line}`)
}

/** The column that tells where a row is from. */
const profile: Column<Line> = { title: 'profile', value: (line) => line.profile, gives: 'never' }

/** One column for each title: an engine has columns that another one has not. */
function columnsOf(heads: readonly (readonly Head[])[], cells: 'cells' | 'cellsForPeople'): Column<Line>[] {
  const byTitle = new Map(heads.flat().map((head) => [head.title, head]))
  return [...byTitle.values()].map((head) => ({
    ...head,
    value: (line) => line[cells].get(head.title)?.value ?? '',
    paint: (line) => line[cells].get(head.title)?.paint,
  }))
}

/** The profile is the one that was asked, whatever a server says of it, and stands first. */
function withProfile(profile: string, record: unknown): unknown {
  const of = { profile }
  return typeof record === 'object' && record !== null && !Array.isArray(record)
    ? { ...of, ...record, ...of }
    : { ...of, answer: record }
}
