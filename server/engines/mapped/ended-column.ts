import type { Fragment, Sql } from '../../database/sql.ts'
import type { EndIndex } from '../writes.ts'
import { stateColumns } from './states.ts'
import { columnOf, type Mapped } from './table.ts'
import { timeInto } from './values.ts'

/** Conditions on the column of the end itself, which an index may have: the time of the end is an expression. */
export interface EndedColumn {
  /** True for every job that ended at a time or later, and for some more. The time is an SQL expression. */
  from: (time: Fragment) => Fragment
  /** True for every job that ended before a time, and for some more. */
  before: (time: Fragment) => Fragment
}

/** Stands for the time in the text of an expression. */
const placeholder = '$time'

/**
 * The column that has the end of a job; undefined where several have it, or one that is too small for a time. A column of whole seconds or days is
 * rounded, and clocks show an hour twice, so that each condition has a margin.
 */
export function endedColumn(mapped: Mapped, sql: Sql): EndedColumn | undefined {
  const { ended: name } = mapped.map.times
  if (typeof name !== 'string') return undefined
  const column = columnOf(mapped.table, name)
  if (column.base === 'int2') return undefined
  const [before = '', after = ''] = timeInto(mapped, column, placeholder).split(placeholder)
  const at = (time: Fragment) => sql`${sql.unsafe(before)}(${time})${sql.unsafe(after)}`
  const isClock = ['timestamp', 'date'].includes(column.base) && (mapped.map.zone ?? 'UTC') !== 'UTC'
  const margin = sql.unsafe(`interval '${isClock ? 3601 : 1} seconds'`)
  return {
    from: (time) => sql`jobs.native_end >= ${at(sql`${time} - ${margin}`)}`,
    before: (time) => sql`jobs.native_end <= ${at(sql`${time} + ${margin}`)}`,
  }
}

/**
 * The index of a mapped table whose first column is the time of the end. Undefined where the table has no such index, where the index leaves out
 * rows, and where the column is no timestamp.
 */
export function endIndexOf(mapped: Mapped): EndIndex | undefined {
  const { map, table } = mapped
  const { ended: name } = map.times
  if (typeof name !== 'string') return undefined
  const { base } = columnOf(table, name)
  const isThere = table.indexes.some(
    ({ columns: [first], isPartial, isOrdered }) => first === name && isOrdered && !isPartial,
  )
  if (!isThere || (base !== 'timestamptz' && base !== 'timestamp')) return undefined
  return {
    along: (sql) => sql`jobs.native_end`,
    type: base,
    before: (sql, time) => endedColumn(mapped, sql)?.before(time) ?? sql`true`,
  }
}

/** True where an index finds the jobs that ended since a time, if need be with a state. A partial one may leave out jobs without an end alone. */
export function isEndIndexed(mapped: Mapped): boolean {
  const states = stateColumns(mapped)
  return mapped.table.indexes.some(({ columns, isOrdered }) => {
    const [first] = columns.filter((name) => !states.includes(name))
    return isOrdered && first !== undefined && first === mapped.map.times.ended
  })
}
