import { cell } from '../../shared/escape.ts'
import type { Column } from './table.ts'

/** Rows for a program: TSV without a header; cells are not cut, grouped or coloured. */
export const tsvText = <Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string =>
  rows.map((row) => `${columns.map(({ value }) => cell(value(row))).join('\t')}\n`).join('')
