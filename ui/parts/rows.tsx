import type { ComponentChildren, ComponentProps } from 'preact'
import { useRef } from 'preact/hooks'
import { useDrawnRows, useFits } from './drawn-rows.ts'

/** By what a column sorts: its name in the address, and the value of a row, of which an absent one comes last. */
interface Sorting<Row> {
  name: string
  by: (row: Row) => string | number | null | undefined
}

/** A column: its head, the cell of a row, and what the cell is. The cell `row` is the head of its row, and numbers stand to the right. */
export type Column<Row> = readonly [
  head: ComponentChildren,
  cell: (row: Row) => ComponentChildren,
  kind?: 'number' | 'wide' | 'wide wraps' | 'row' | undefined,
  sorting?: Sorting<Row> | undefined,
]

interface RowsProps<Row> {
  label: string
  rows: readonly Row[]
  columns: readonly Column<Row>[]
  keyOf: (row: Row) => string | number
  attributesOf?: (row: Row) => ComponentProps<'tr'>
  /** The name of the column by which the rows are sorted, with `-` before it from the largest on; absent as they are given. */
  sort?: string | undefined
  /** What a press on a head sorts by; absent where the rows have one order. */
  onSort?: ((sort: string) => void) | undefined
  /** True where the style sheet has lines of its own for this table on a narrow screen. */
  hasOwnLines?: boolean | undefined
  /** Of more rows, those that are seen are drawn; absent for as many as somebody searches with the browser. */
  atOnce?: number | undefined
  /** The foot of the table. */
  children?: ComponentChildren
}

/** A table of more columns, or with a column of text, has no room on a narrow screen: each row is some lines there. */
const mostNarrowColumns = 3

/**
 * The table of every screen. Its head stays in sight, its heads sort, and of many rows those alone are drawn that are seen. On a narrow
 * screen the rows of many columns or of text are lines, in which each value has the head of its column before it; other tables scroll
 * sideways by themselves where they must, by keyboard too.
 */
export function Rows<Row>(props: RowsProps<Row>) {
  const { label, rows, columns, keyOf, attributesOf, sort, onSort, hasOwnLines = false, atOnce, children } = props
  const section = useRef<HTMLElement | null>(null)
  const fits = useFits(section)
  const sorted = sortedBy(rows, columns, sort)
  const { first, last, rowHeight } = useDrawnRows(section, rows.length, atOnce)
  const isWindowed = last - first < rows.length
  const hasText = columns.some(([, , kind]) => kind?.startsWith('wide'))
  const isStacked = !hasOwnLines && children === undefined && (hasText || columns.length > mostNarrowColumns)
  return (
    <section
      ref={section}
      class={`scroll${fits ? ' fits' : ''}${isStacked ? ' stacked' : ''}`}
      tabIndex={fits ? undefined : 0}
      aria-label={label}
    >
      <table class="rows" aria-rowcount={isWindowed ? rows.length + 1 : undefined}>
        <thead>
          <tr>
            {columns.map(([head, , kind, sorting], at) => (
              <Head key={at} {...{ kind, sorting, sort, onSort }}>
                {head}
              </Head>
            ))}
          </tr>
        </thead>
        <tbody>
          <Space rows={first} {...{ rowHeight }} />
          {sorted.slice(first, last).map((row, at) => (
            <tr key={keyOf(row)} aria-rowindex={isWindowed ? first + at + 2 : undefined} {...attributesOf?.(row)}>
              {columns.map(([head, cell, kind], place) =>
                kind === 'row' ? (
                  <th key={place} scope="row">
                    {cell(row)}
                  </th>
                ) : (
                  <td key={place} class={kind} data-head={isStacked && typeof head === 'string' ? head : undefined}>
                    {cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
          <Space rows={rows.length - last} {...{ rowHeight }} />
        </tbody>
        {children}
      </table>
    </section>
  )
}

/** The room of rows that are not drawn. */
const Space = ({ rows, rowHeight }: { rows: number; rowHeight: number }) =>
  rows > 0 ? (
    <tr class="space">
      <td style={{ height: `${rows * rowHeight}px` }} />
    </tr>
  ) : null

interface HeadProps<Row> extends Pick<RowsProps<Row>, 'sort' | 'onSort'> {
  kind: Column<Row>[2]
  sorting: Sorting<Row> | undefined
  children: ComponentChildren
}

/** The head of a column. A press sorts numbers from the largest on, and texts from the first; another one turns the order round. */
function Head<Row>({ kind, sorting, sort, onSort, children }: HeadProps<Row>) {
  const name = sorting?.name
  const [isUp, isDown] = [name !== undefined && sort === name, name !== undefined && sort === `-${name}`]
  const next = isDown || (!isUp && kind !== 'number') ? `${name}` : `-${name}`
  return (
    <th
      scope="col"
      class={kind === 'row' ? undefined : kind}
      aria-sort={isUp ? 'ascending' : isDown ? 'descending' : undefined}
    >
      {onSort && sorting ? (
        <button type="button" class="sort" onClick={() => onSort(next)}>
          {children}
          <span aria-hidden="true">{isUp ? ' ↑' : isDown ? ' ↓' : ''}</span>
        </button>
      ) : (
        children
      )}
    </th>
  )
}

function sortedBy<Row>(rows: readonly Row[], columns: readonly Column<Row>[], sort = ''): readonly Row[] {
  const by = columns.find(([, , , sorting]) => sorting && sorting.name === sort.replace(/^-/, ''))?.[3]?.by
  if (!by) return rows
  const turn = sort.startsWith('-') ? -1 : 1
  return rows
    .map((row) => [by(row) ?? undefined, row] as const)
    .sort(([a], [b]) => {
      if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined)
      return a === b ? 0 : turn * (a < b ? -1 : 1)
    })
    .map(([, row]) => row)
}
