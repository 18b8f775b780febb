import type { Sql } from '../../database/sql.ts'
import type { JobsMap } from '../mapped/map.ts'
import { stateColumns, statusOf } from '../mapped/states.ts'
import { columnOf, type Table } from '../mapped/table.ts'
import { readRows, sampleOf } from './sample.ts'

interface Counting {
  map: JobsMap
  table: Table
  /** Every row counts, and not those of a sample alone. */
  isCounted: boolean
}

interface Count {
  status: string
  rows: number
}

/** Counts jobs by their states with a map, of a sample or of all rows, and says which. */
export async function countBy(sql: Sql, { map, table, isCounted }: Counting): Promise<string[]> {
  const mapped = { map, table, domain: map.domain ?? table.nspname, others: new Map() }
  const used = stateColumns(mapped).map((name) => columnOf(table, name))
  const read = async (tx: Sql, from: string) => [
    ...(await tx<Count[]>`
      select ${tx.unsafe(statusOf(mapped))} as status, pg_catalog.count(*) as rows
      from ${tx.unsafe(from)} as j
      group by 1
      order by 2 desc, 1`),
  ]
  const whole = isCounted ? await readRows(sql, (tx) => read(tx, table.relation)) : undefined
  if (whole) return [`by this map, of all rows: ${textOf(whole)}`]
  const some = await readRows(sql, (tx) => read(tx, sampleOf(table, used)))
  const why = isCounted ? ['all rows could not be counted within 5 s'] : []
  if (!some) return [...why, 'no rows could be read within 5 s, or the table is locked: nothing was counted']
  const rows = some.reduce((sum, one) => sum + one.rows, 0)
  return [
    ...why,
    `by this map, of a sample of ${rows.toLocaleString('en-US')} ${rows === 1 ? 'row' : 'rows'}: ${textOf(some)}`,
  ]
}

const textOf = (counts: readonly Count[]): string =>
  counts.length === 0
    ? 'no jobs'
    : counts.map(({ status, rows }) => `${status} ${rows.toLocaleString('en-US')}`).join(', ')
