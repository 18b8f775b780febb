import { inScope } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { EngineHistory, HistorySlice } from '../adapter.ts'
import { endedColumn } from './ended-column.ts'
import { hasState } from './states.ts'
import { columnOf, type Mapped } from './table.ts'

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

/** The condition on the column of the end itself; empty where none has it. */
function isInColumn(mapped: Mapped, sql: Sql, { from, to }: HistorySlice): Fragment {
  const column = endedColumn(mapped, sql)
  const at = (seconds: number) => sql`to_timestamp(${seconds}::float8)`
  return column ? sql`and ${column.from(at(from))} and ${column.before(at(to))}` : sql``
}

const ended = ['completed', 'failed', 'cancelled', 'quarantined']
