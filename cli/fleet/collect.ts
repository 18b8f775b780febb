import { Failure } from '../../shared/errors.ts'
import type { Printer } from '../output/print.ts'
import { columnsOfRecord, recordsOf } from '../output/selection.ts'
import type { Style } from '../output/style.ts'
import type { Column, Look } from '../output/table.ts'
import { groupedDigits } from '../text/numbers.ts'
import type { Share } from './shares.ts'

/** What a printed column is beside its values. */
export type Head = Omit<Column<never>, 'value' | 'bare' | 'paint'>

/** One cell of a row, as its column made it. */
interface Cell {
  value: string | number
  paint: keyof Style | undefined
}

/** A row of one profile: its cells by the titles of their columns. */
export interface Line {
  profile: string
  /** The row as the API has it; undefined where its answer is no list of the rows. */
  record: unknown
  cells: ReadonlyMap<string, Cell>
  /** The same for the columns for people. */
  cellsForPeople: ReadonlyMap<string, Cell>
}

/** What a command printed for one profile. */
export interface Printed {
  heads: Head[]
  more: Head[]
  headsForPeople: Head[]
  lines: Line[]
  /** The answers of the API, one for each row where they are a list. An answer without rows may say what was not read. */
  records: unknown[]
  /** What it prints for a person in place of rows. */
  texts: string[]
  /** What it says beside its rows, such as that these are not all. */
  asides: string[]
}

/** The most rows of one profile, and of all: they are in memory until the last profile has answered. */
const mostLines = 10_000
export const mostLinesOfAll = 200_000

interface Collecting {
  profile: string
  /** The printer of the command line, whose format the rows have. */
  real: Printer
  /** Whether `--columns` or `--template` choose fields: those of a record, where it is printed as one row for each field. */
  selects: boolean
  rows: Share
}

/** A printer that keeps what one command prints for one profile, in place of writing it. */
export function collector({ profile, real, selects, rows: share }: Collecting): { print: Printer; printed: Printed } {
  const printed: Printed = { heads: [], more: [], headsForPeople: [], lines: [], records: [], texts: [], asides: [] }
  const take = <Row>({ columns, more = [], forPeople = columns }: Look<Row>, rows: readonly Row[], answer: unknown) => {
    const isTooMany = printed.lines.length + rows.length > mostLines
    if (isTooMany || !share.take(rows.length)) {
      share.giveAllBack()
      Object.assign(printed, { lines: [], records: [] })
      throw isTooMany ? tooManyRows(mostLines, '') : tooManyRows(share.most, ' of all profiles')
    }
    printed.heads = headsOf(columns)
    printed.more = headsOf(more)
    printed.headsForPeople = headsOf(forPeople)
    const records = recordsOf(rows, answer)
    const isList = records === answer
    for (const [at, row] of rows.entries())
      printed.lines.push({
        profile,
        record: isList ? records[at] : undefined,
        cells: cellsOf([...columns, ...more], row),
        cellsForPeople: cellsOf(forPeople, row),
      })
    printed.records.push(...(isList ? records : [answer]))
  }
  const into = (kept: string[]) => (text: string) => {
    kept.push(...text.split('\n').filter((line) => line.trim() !== ''))
  }
  const text = into(printed.texts)
  const print: Printer = {
    ...real,
    asScreen: false,
    isBare: () => false,
    rows: ({ rows, record, json, ...look }) =>
      selects && record !== undefined
        ? take({ columns: columnsOfRecord(record) }, [record], [record])
        : take(look, rows, record ?? json),
    growing: (look) => (rows, json) => take(look, rows, json),
    sentence: (_json, sentence) => text(sentence),
    json: (value) => {
      printed.records.push(value)
    },
    text,
    result: text,
    aside: into(printed.asides),
  }
  return { print, printed }
}

const tooManyRows = (most: number, of: string): Failure =>
  new Failure('usage', `more than ${groupedDigits(most)} rows${of}: --fleet keeps them until all have answered`, {
    hint: 'narrow the filter, or ask this profile alone with --profile',
  })

const headsOf = <Row>(columns: readonly Column<Row>[]): Head[] =>
  columns.map(({ value: _value, bare: _bare, paint: _paint, ...head }) => head)

const cellsOf = <Row>(columns: readonly Column<Row>[], row: Row): Map<string, Cell> =>
  new Map(columns.map(({ title, value, paint }) => [title, { value: value(row), paint: paint?.(row) }]))
