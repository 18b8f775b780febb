import type { Fragment, Sql } from '../../database/sql.ts'
import { quotedText } from '../parts/sql-text.ts'
import type { JobsMap, Test } from './map.ts'
import { type Column, columnOf, type Mapped } from './table.ts'
import { timeInto } from './values.ts'

const literal = (value: string | number | boolean, { type }: Column): string => `${quotedText(String(value))}::${type}`

/** An SQL condition: a column of a row, given as an expression, passes the test. It is never null. */
function passes(mapped: Mapped, expression: string, column: Column, test: Test): string {
  if (test === null) return `${expression} is null`
  if (test === 'not null') return `${expression} is not null`
  if (Array.isArray(test)) return `${expression} in (${test.map((one) => literal(one, column)).join(', ')})`
  if (typeof test !== 'object') return `${expression} = ${literal(test, column)}`
  const now = timeInto(mapped, column, 'now()')
  return 'before' in test ? `${expression} < ${now}` : `${expression} >= ${now}`
}

/** The columns that tell the state. */
export function stateColumns({ map: { status } }: Mapped): string[] {
  if ('column' in status) return [status.column]
  return [...new Set(status.when.flatMap(([, condition]) => Object.keys(condition)))]
}

/** The states that a map tells. */
export const statesOf = ({ status }: Pick<JobsMap, 'status'>): string[] =>
  'column' in status ? status.states.map(([, state]) => state) : status.when.map(([state]) => state)

/** Each state of the map with its condition over columns, in the order in which the first true one decides. */
function conditionsOf(mapped: Mapped, columnNamed: (name: string) => string): [state: string, condition: string][] {
  const { map, table } = mapped
  if ('column' in map.status) {
    const { column, states } = map.status
    return states.map(([value, state]) => [state, passes(mapped, columnNamed(column), columnOf(table, column), value)])
  }
  return map.status.when.map(([state, condition]) => [
    state,
    Object.entries(condition)
      .map(([name, test]) => passes(mapped, columnNamed(name), columnOf(table, name), test))
      .join(' and ') || 'true',
  ])
}

/** An SQL expression: the status of a row; `unmapped` where the map gives it none. */
export function statusOf(mapped: Mapped, row = 'j'): string {
  const cases = conditionsOf(mapped, (name) => `${row}.${columnOf(mapped.table, name).quoted}`)
  return `case ${cases.map(([state, condition]) => `when ${condition} then '${state}'`).join(' ')} else 'unmapped' end`
}

/** An SQL expression of type text: the state in the words of the table. */
export function nativeState(mapped: Mapped): string {
  const names = stateColumns(mapped)
  const [only, ...others] = names.map((name) => `j.${columnOf(mapped.table, name).quoted}::text`)
  if (only !== undefined && others.length === 0) return only
  const parts = names.map(
    (name) => `${quotedText(`${name}=`)} || coalesce(j.${columnOf(mapped.table, name).quoted}::text, 'null')`,
  )
  return `pg_catalog.concat_ws(', ', ${parts.join(', ')})`
}

/** A condition on `jobs`: true for jobs in one of these states. The first part can use an index of a column that tells the state. */
export function hasState(mapped: Mapped, sql: Sql, states: readonly string[]): Fragment {
  const place = (name: string) => `jobs.native_${stateColumns(mapped).indexOf(name) + 1}`
  const meant = conditionsOf(mapped, place).filter(([state]) => states.includes(state))
  if (meant.length === 0) return sql`false`
  const any = meant.map(([, condition]) => `(${condition})`).join(' or ')
  return sql.unsafe(`((${any}) and jobs.status in (${states.map(quotedText).join(', ')}))`)
}
