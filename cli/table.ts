import Table from 'cli-table3'
import width from 'string-width'
import { cell, escaped } from './escape.ts'
import { grouped } from './numbers.ts'
import type { Style } from './style.ts'

/** One column of rows; numbers stand on the right. */
export interface Column<Row> {
  title: string
  value: (row: Row) => string | number
  /** A colour for people, beside what the text says. */
  paint?: (row: Row) => keyof Style | undefined
}

const gap = 2
const edges = ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
const lines = ['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid', 'middle']
const borderless = Object.fromEntries([...edges, ...lines].map((name) => [name, '']))

/** Rows for a person: no borders, dim capitals, at most `columns` wide. */
export function tableText<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  style: Style,
  most: number,
): string {
  const texts = rows.map((row) => columns.map(({ value }) => shown(value(row))))
  const widths = fitted(columns, texts, most)
  const table = new Table({
    head: columns.map(({ title }) => style.dim(title.toUpperCase())),
    colWidths: widths.map((width) => width + gap),
    colAligns: columns.map(({ value }) => (rows[0] && typeof value(rows[0]) === 'number' ? 'right' : 'left')),
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': gap },
    chars: borderless,
  })
  rows.forEach((row, at) => {
    table.push((texts[at] ?? []).map((text, index) => painted(columns[index], row, text, style)))
  })
  return `${table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')}\n`
}

const shown = (value: string | number): string => (typeof value === 'number' ? grouped(value) : escaped(value))

function painted<Row>(column: Column<Row> | undefined, row: Row, text: string, style: Style): string {
  const colour = column?.paint?.(row)
  return colour ? style[colour](text) : text
}

/** The widest column gives way first, and never below its title. */
function fitted<Row>(columns: readonly Column<Row>[], texts: readonly string[][], most: number): number[] {
  const least = columns.map(({ title }) => width(title))
  const widths = columns.map((_, at) => Math.max(least[at] ?? 0, ...texts.map((row) => width(row[at] ?? ''))))
  const total = () => widths.reduce((sum, width) => sum + width + gap, -gap)
  while (total() > most) {
    const widest = widths.indexOf(Math.max(...widths.filter((width, at) => width > Math.max(8, least[at] ?? 0))))
    if (widest < 0) break
    widths[widest] = (widths[widest] ?? 0) - 1
  }
  return widths
}

/** Rows for a program: TSV without a header; nothing is cut, grouped or coloured. */
export const tsvText = <Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string =>
  rows.map((row) => `${columns.map(({ value }) => cell(value(row))).join('\t')}\n`).join('')
