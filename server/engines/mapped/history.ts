import { inScope } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { EngineHistory, HistorySlice } from '../adapter.ts'
import { hasState } from './states.ts'
import { columnOf, type Mapped } from './table.ts'
import { timeInto } from './values.ts'

/**
 * Jobs by the times of their ends and of their creation, by one read of the table, or by an index of its own that has the column. A table may
 * clear the time when a job began, so that starts are not counted; undefined for a map without `times.ended`.
 */
export function historyOf(mapped: Mapped): EngineHistory | undefined {
  const { times } = mapped.map
  if (times.ended === undefined) return undefined
  const within = (sql: Sql, { scope, from, to, most }: HistorySlice, time: Fragment, where: Fragment): Fragment => sql`
    (
      select domain, queue, status, created_at, available_at, started_at, native_ended as ended_at, null::integer as kept_seconds
      from jobs
      where ${time} >= to_timestamp(${from}::float8) and ${time} < to_timestamp(${to}::float8) and ${where} ${inScope(sql, scope)}
      ${sql.unsafe(`limit ${most + 1}`)}
    )`
  return {
    notTold: ['acquired', 'wait', ...(times.started === undefined ? (['run'] as const) : [])],
    isIndexed: () => false,
    howToIndex: () =>
      typeof times.ended === 'string'
        ? `This makes one: create index concurrently on ${mapped.table.relation} (${columnOf(mapped.table, times.ended).quoted})`
        : 'A map with one column as times.ended can use one',
    ended: (sql, _, slice) =>
      within(
        sql,
        slice,
        sql`jobs.native_ended`,
        sql`${hasState(mapped, sql, ended)} ${isInColumn(mapped, sql, slice)}`,
      ),
    created: (sql, _, slice) => within(sql, slice, sql`jobs.created_at`, sql`true`),
  }
}

/**
 * The condition on the column of the end itself, which an index may have: the time of the end is an expression. It has all jobs of the slice, and
 * some more: a column of whole seconds is rounded, and clocks show an hour twice.
 */
function isInColumn(mapped: Mapped, sql: Sql, { from, to }: HistorySlice): Fragment {
  const { ended: name } = mapped.map.times
  if (typeof name !== 'string') return sql``
  const column = columnOf(mapped.table, name)
  const at = (seconds: number) => {
    const [before = '', after = ''] = timeInto(mapped, column, placeholder).split(placeholder)
    return sql`${sql.unsafe(before)}to_timestamp(${seconds}::float8)${sql.unsafe(after)}`
  }
  const margin = column.base === 'timestamp' && (mapped.map.zone ?? 'UTC') !== 'UTC' ? 3601 : 1
  return sql`and jobs.native_end >= ${at(from - margin)} and jobs.native_end < ${at(to + margin)}`
}

/** Stands for the time in the text of an expression. */
const placeholder = '$time'

const ended = ['completed', 'failed', 'cancelled', 'quarantined']
