import Table from 'cli-table3'
import width from 'string-width'
import { borderless } from '../../shared/borderless.ts'
import { escaped } from '../../shared/escape.ts'
import { groupedDigits } from './numbers.ts'
import type { Style } from './style.ts'
import { textsBelow, withTextsBelow } from './text-below.ts'

/** One column of rows; numbers are aligned to the right. */
export interface Column<Row> {
  title: string
  value: (row: Row) => string | number
  /** A colour for people; the text says the same. */
  paint?: (row: Row) => keyof Style | undefined
  /** How the column shrinks at a narrow terminal: `first`, `never`, or by default the widest column first. */
  gives?: 'first' | 'never'
  /** A shorter title for a narrow terminal. */
  short?: string
  /** `drop`: at a narrow terminal the column is left out where every value is 0. */
  zeros?: 'drop'
  /** A text that does not fit beside the other columns stands in a line of its own below its row. One column may have it. */
  below?: true
}

const gap = 2

/** The terminal that a table is for, in columns and lines. */
export interface Room {
  columns: number
  lines: number
}

/**
 * Rows for a person: no borders, dim capitals, at most as wide as the terminal. The head stands again where it would be out of sight.
 * Columns that have no room are left out from the right, and a line below the table names them.
 */
export function tableText<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  style: Style,
  room: Room,
): string {
  const some = narrowed(columns, rows, room.columns)
  const kept = fitting(some, rows, room.columns)
  const text = withHeads(growingTable(kept, style, room.columns)(rows), room.lines)
  const missing = some.filter((column) => !kept.includes(column))
  if (missing.length === 0) return text
  const names = missing.map(({ title }) => title).join(', ')
  return `${text}${style.dim(`no room for ${names}: a wider terminal shows all, and so does --tsv`)}\n`
}

/** The head of a table again each time that the lines since the last one fill the terminal. */
function withHeads(table: string, height: number): string {
  const [head = '', ...lines] = table.trimEnd().split('\n')
  const screen = Math.max(2, height - 2)
  if (lines.length <= screen) return table
  const screens = Array.from({ length: Math.ceil(lines.length / screen) }, (_, at) => [
    head,
    ...lines.slice(at * screen, (at + 1) * screen),
  ])
  return `${screens.flat().join('\n')}\n`
}

/**
 * The columns without those texts from the right that have no room, not even cut. Numbers, what names a row, and prose stay, with titles
 * and names that are cut.
 */
function fitting<Row>(columns: readonly Column<Row>[], rows: readonly Row[], most: number): readonly Column<Row>[] {
  const isNumber = ({ value }: Column<Row>) => rows[0] !== undefined && typeof value(rows[0]) === 'number'
  const least = (column: Column<Row>) => {
    if (column.below) return 0
    const cells = Math.max(narrowest, ...rows.map((row) => width(shown(column.value(row)))))
    if (isNumber(column)) return cells
    return Math.max(Math.min(width(column.title), leastTitle), Math.min(cells, leastText))
  }
  const total = columns.reduce((sum, column) => sum + least(column) + gap, -gap)
  const last = columns.findLastIndex(
    (column, at) => at > 0 && column.gives === undefined && !column.below && !isNumber(column),
  )
  if (total <= most || last < 0) return columns
  return fitting(columns.toSpliced(last, 1), rows, most)
}

/** A title and a text are cut to this number of characters before a column is left out: `CR…` says nothing. */
const [leastTitle, leastText] = [6, 16]

/** The columns that fit: without columns of zeros, then with short titles. A column that names the row always stays. */
function narrowed<Row>(columns: readonly Column<Row>[], rows: readonly Row[], most: number): readonly Column<Row>[] {
  const isTooWide = (some: readonly Column<Row>[]) => naturalWidth(some, rows) > most
  if (!isTooWide(columns)) return columns
  const kept = columns.filter(({ zeros, value }) => zeros !== 'drop' || rows.some((row) => value(row) !== 0))
  return isTooWide(kept) ? kept.map((column) => ({ ...column, title: column.short ?? column.title })) : kept
}

const naturalWidth = <Row>(columns: readonly Column<Row>[], rows: readonly Row[]): number =>
  columns.reduce(
    (sum, column) =>
      sum + gap + Math.max(width(column.title), ...rows.map((row) => capped(column, shown(column.value(row))))),
    -gap,
  )

/** A table whose rows come in several parts: one head, and columns that only grow wider. */
export function growingTable<Row>(
  columns: readonly Column<Row>[],
  style: Style,
  most: number,
): (rows: readonly Row[]) => string {
  let hasHead = false
  let widths = columns.map(() => 0)
  return (rows) => {
    const cells = rows.map((row) => columns.map(({ value }) => shown(value(row))))
    widths = widths.map((least, at) => Math.max(least, ...cells.map((row) => capped(columns[at], row[at] ?? ''))))
    const part = textsBelow({ columns, texts: cells, widths, below: [] }, { gap, most })
    const numbers = part.columns.map(({ value }) => rows[0] !== undefined && typeof value(rows[0]) === 'number')
    const fit = fitted(part.columns, { widths: part.widths, numbers }, most)
    const head = hasHead ? [] : part.columns.map(({ title }) => style.dim(title.toUpperCase()))
    const lines = drawn(part.columns, rows, { texts: part.texts, head, widths: fit, style })
    const above = hasHead ? [] : lines.slice(0, 1)
    hasHead = true
    return `${[...above, ...withTextsBelow(lines.slice(above.length), part.below, most)].join('\n')}\n`
  }
}

/** One long name does not widen the table for all rows: it is cut at this width, and whole in TSV and JSON. */
const widestName = 60

/** The width that a cell asks for. Prose, which stands in the columns that shrink first, has no limit but the terminal. */
const capped = <Row>(column: Column<Row> | undefined, text: string): number =>
  column?.gives === 'first' ? width(text) : Math.min(width(text), widestName)

interface Drawing {
  /** The texts of the cells. */
  texts: readonly string[][]
  head: string[]
  widths: number[]
  style: Style
}

/** The table line by line: the head, if it has one, and a line for each row. */
function drawn<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { texts, head, widths, style }: Drawing,
): string[] {
  const table = new Table({
    head,
    colWidths: widths.map((width) => width + gap),
    colAligns: columns.map(({ value }) => (rows[0] && typeof value(rows[0]) === 'number' ? 'right' : 'left')),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': gap },
    chars: borderless,
  })
  rows.forEach((row, at) => {
    table.push((texts[at] ?? []).map((text, index) => painted(columns[index], row, text, style)))
  })
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
}

const shown = (value: string | number): string => (typeof value === 'number' ? groupedDigits(value) : escaped(value))

function painted<Row>(column: Column<Row> | undefined, row: Row, text: string, style: Style): string {
  const colour = column?.paint?.(row)
  return colour ? style[colour](text) : text
}

interface Contents {
  /** The widths of the cells, without the titles. */
  widths: readonly number[]
  /** Which columns are numbers. */
  numbers: readonly boolean[]
}

/** The narrowest column: two characters and the sign for cut text. */
const narrowest = 3

/**
 * The widths that fit `most` columns of the terminal. Prose shrinks first, then titles, then the widest cells, and what names a
 * row last; numbers are never cut.
 */
function fitted<Row>(columns: readonly Column<Row>[], { widths: cells, numbers }: Contents, most: number): number[] {
  const titles = columns.map(({ title }) => width(title))
  const widths = cells.map((cell, at) => Math.max(cell, titles[at] ?? 0))
  const total = () => widths.reduce((sum, width) => sum + width + gap, -gap)
  const widest = (least: readonly number[], among: (gives: Column<Row>['gives']) => boolean) => {
    const able = widths.map((width, at) => (width > (least[at] ?? 0) && among(columns[at]?.gives) ? width : 0))
    const most = Math.max(...able)
    return most > 0 ? able.indexOf(most) : undefined
  }
  const ofCells = cells.map((cell) => Math.max(narrowest, cell))
  const whole = titles.map((title, at) => Math.max(8, title, numbers[at] ? (cells[at] ?? 0) : 0))
  const cut = cells.map((cell, at) =>
    numbers[at] || columns[at]?.gives === 'never' ? Math.max(narrowest, cell) : narrowest,
  )
  // A name that is wider than the terminal is cut when nothing else is left to cut.
  const last = cells.map((cell, at) => (numbers[at] ? Math.max(narrowest, cell) : narrowest))
  while (total() > most) {
    const at =
      widest(whole, (gives) => gives === 'first') ??
      widest(ofCells, () => true) ??
      widest(whole, (gives) => gives !== 'never') ??
      widest(cut, () => true) ??
      widest(last, () => true)
    if (at === undefined) break
    widths[at] = (widths[at] ?? 0) - 1
  }
  return widths
}
