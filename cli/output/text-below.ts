import width from 'string-width'
import { cutTo } from '../text/wrap.ts'

interface Titled {
  title: string
  below?: true
}

/** A part of a table: the columns that fit, and the texts that stand below their rows. */
interface Part<Column> {
  columns: readonly Column[]
  /** The texts of the cells. */
  texts: readonly string[][]
  /** The widths that the cells ask for. */
  widths: readonly number[]
  /** For each row the text below it, blank where there is none. */
  below: readonly string[]
}

interface Room {
  /** Columns between two cells. */
  gap: number
  /** The columns of the terminal. */
  most: number
}

/** A column with less room than this is left out, and all its texts stand below. */
const leastBeside = 12
const indent = 4

/** Moves texts of the column `below` under their rows where they do not fit beside the other columns. */
export function textsBelow<Column extends Titled>(part: Part<Column>, { gap, most }: Room): Part<Column> {
  const { columns, texts, widths } = part
  const at = columns.findIndex(({ below }) => below)
  if (at < 0) return part
  const others = columns.map(({ title }, n) => (n === at ? 0 : gap + Math.max(width(title), widths[n] ?? 0)))
  const room = most - others.reduce((sum, one) => sum + one, 0)
  const cells = texts.map((row) => row[at] ?? '')
  if (room < leastBeside)
    return {
      columns: columns.toSpliced(at, 1),
      texts: texts.map((row) => row.toSpliced(at, 1)),
      widths: widths.toSpliced(at, 1),
      below: cells,
    }
  const below = cells.map((text) => (width(text) > room ? text : ''))
  return {
    columns,
    texts: texts.map((row, n) => (below[n] === '' ? row : row.with(at, ''))),
    widths: widths.with(at, Math.min(widths[at] ?? 0, room)),
    below,
  }
}

/** The line of a row, and below it its text, on one line; a blank text takes none. */
export const withTextBelow = (line: string, text: string | undefined, most: number): string[] =>
  text ? [line, `${' '.repeat(indent)}${cutTo(text, most - indent)}`] : [line]
