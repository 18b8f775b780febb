import Table from 'cli-table3'
import width from 'string-width'
import { borderless } from '../../shared/text/borderless.ts'
import { escaped } from '../../shared/text/escape.ts'
import { groupedDigits } from '../text/numbers.ts'
import { wrapped } from '../text/wrap.ts'
import type { Style } from './style.ts'
import { textsBelow, withTextBelow } from './text-below.ts'

/** One column of rows; numbers are aligned to the right. */
export interface Column<Row> {
  title: string
  /** Another name by which `--columns` and `--template` find it. */
  also?: string
  value: (row: Row) => string | number
  /** The value for people where the server has one domain alone, and its name says nothing. */
  bare?: (row: Row) => string
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

/** The columns in which rows are printed. */
export interface Look<Row> {
  columns: readonly Column<Row>[]
  /** Columns that are printed for `--columns` and `--template` alone. */
  more?: readonly Column<Row>[]
  /** Columns for people, where they differ. */
  forPeople?: readonly Column<Row>[]
}

const gap = 2

/** The terminal that a table is for, in columns and lines. */
export interface Room {
  columns: number
  lines: number
  /** The table is part of a longer text, which `--tsv` does not print. */
  isPart?: true
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
  const { lines, leftOut } = createTable(columns, style, room)(rows)
  return textOf([...lines, ...noRoomFor(leftOut, style, room)])
}

/**
 * A table whose rows come in several parts, as `tableText` shows them all at once. Columns only grow wider, and one that a part leaves
 * out stays out; the line that names it stands above the next head.
 * @returns a function that takes the rows of a part, and a line that stands above them
 */
export function growingTable<Row>(
  columns: readonly Column<Row>[],
  style: Style,
  room: Room,
): (rows: readonly Row[], above?: string) => string {
  const part = createTable(columns, style, room)
  return (rows, above) => {
    const heading = above === undefined ? [] : [style.dim(above)]
    const { lines, leftOut } = part(rows, heading.length)
    return textOf([...heading, ...noRoomFor(leftOut, style, room), ...lines])
  }
}

const textOf = (lines: readonly string[]): string => `${lines.join('\n')}\n`

/** The lines that name the columns for which there is no room. */
function noRoomFor<Row>(columns: readonly Column<Row>[], style: Style, { columns: most, isPart }: Room): string[] {
  if (columns.length === 0) return []
  const names = columns.map(({ title }) => title).join(', ')
  const also = isPart ? '' : ', and so does --tsv'
  return wrapped(`no room for ${names}: a wider terminal shows all${also}`, most).map(style.dim)
}

interface Part<Row> {
  /** The lines of the rows, with the head where it was out of sight. */
  lines: string[]
  /** The columns that this part leaves out, and those before it showed. */
  leftOut: readonly Column<Row>[]
}

/** @returns a function that draws the rows of the next part, below a number of lines that the caller has put above it */
function createTable<Row>(columns: readonly Column<Row>[], style: Style, { columns: most, lines: height }: Room) {
  const screen = Math.max(2, height - 2)
  let known = columns
  /** The lines since the head; undefined where the next row needs a head. */
  let below: number | undefined
  const widths = new Map<Column<Row>, number>()
  return (rows: readonly Row[], above = 0): Part<Row> => {
    if (widths.size === 0) known = narrowed(known, rows, most)
    const kept = fitting(known, rows, most)
    const leftOut = known.filter((column) => !kept.includes(column))
    known = kept
    const cells = rows.map((row) => kept.map(({ value }) => shown(value(row))))
    kept.forEach((column, at) => {
      widths.set(column, Math.max(widths.get(column) ?? 0, ...cells.map((row) => capped(column, row[at] ?? ''))))
    })
    const asked = kept.map((column) => widths.get(column) ?? 0)
    const part = textsBelow({ columns: kept, texts: cells, widths: asked, below: [] }, { gap, most })
    const numbers = part.columns.map(({ value }) => rows[0] !== undefined && typeof value(rows[0]) === 'number')
    const fit = fitted(part.columns, { widths: part.widths, numbers }, most)
    const titles = part.columns.map(({ title }) => style.dim(title.toUpperCase()))
    const [head = '', ...drawnRows] = drawn(part.columns, rows, { texts: part.texts, head: titles, widths: fit, style })
    if (below !== undefined) below = leftOut.length > 0 ? undefined : below + above
    const lines = drawnRows.flatMap((line, at) => {
      const block = withTextBelow(line, part.below[at], most)
      const isSeen = below !== undefined && below + block.length <= screen
      below = (isSeen ? (below ?? 0) : 0) + block.length
      return isSeen ? block : [head, ...block]
    })
    return { lines, leftOut }
  }
}

/**
 * The columns without those texts from the right that have no room, not even cut. Numbers, what names a row, and prose stay, with titles
 * and names that are cut.
 */
function fitting<Row>(columns: readonly Column<Row>[], rows: readonly Row[], most: number): readonly Column<Row>[] {
  const isNumber = ({ value }: Column<Row>) => rows[0] !== undefined && typeof value(rows[0]) === 'number'
  const least = (column: Column<Row>) => {
    const cells = Math.max(narrowest, ...rows.map((row) => width(shown(column.value(row)))))
    if (isNumber(column)) return cells
    return Math.max(Math.min(width(column.title), leastTitle), Math.min(cells, leastText))
  }
  // A text below the rows asks for no room beside them.
  const total = columns.reduce((sum, column) => (column.below ? sum : sum + least(column) + gap), -gap)
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
