import type { ComponentChildren, ComponentProps } from 'preact'

/** A column: its head, the cell of a row, and what the cell is. The cell `row` is the head of its row, and numbers stand to the right. */
export type Column<Row> = readonly [
  head: ComponentChildren,
  cell: (row: Row) => ComponentChildren,
  kind?: 'number' | 'wide' | 'row' | undefined,
]

interface RowsProps<Row> {
  label: string
  rows: readonly Row[]
  columns: readonly Column<Row>[]
  keyOf: (row: Row) => string | number
  attributesOf?: (row: Row) => ComponentProps<'tr'>
  /** The foot of the table. */
  children?: ComponentChildren
}

/** A table that scrolls sideways by itself, by keyboard too, where the screen is narrow. */
export const Rows = <Row,>({ label, rows, columns, keyOf, attributesOf, children }: RowsProps<Row>) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
  <section class="scroll" tabIndex={0} aria-label={label}>
    <table class="rows">
      <thead>
        <tr>
          {columns.map(([head, , kind], at) => (
            <th key={at} scope="col" class={kind === 'number' ? kind : undefined}>
              {head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)} {...attributesOf?.(row)}>
            {columns.map(([, cell, kind], at) =>
              kind === 'row' ? (
                <th key={at} scope="row">
                  {cell(row)}
                </th>
              ) : (
                <td key={at} class={kind}>
                  {cell(row)}
                </td>
              ),
            )}
          </tr>
        ))}
      </tbody>
      {children}
    </table>
  </section>
)
