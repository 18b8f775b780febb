import type { Fragment, Sql } from '../../database/sql.ts'
import { quotedText } from '../parts/sql-text.ts'
import { isOfOtherRelease } from './check-map.ts'
import type { JobsMap, Test } from './map.ts'
import { type Column, columnOf, type Mapped } from './table.ts'
import { timeInto } from './values.ts'

const literal = (value: string | number | boolean, { compared }: Column): string =>
  `${quotedText(String(value))}::${compared}`

/** An SQL condition: a column of a row, given as an expression, passes the test. It is never null. */
function passes(mapped: Mapped, expression: string, column: Column, test: Test): string {
  if (test === null) return `${expression} is null`
  if (test === 'not null') return `${expression} is not null`
  const value = column.compared === column.type ? expression : `${expression}::${column.compared}`
  if (Array.isArray(test)) return `${value} in (${test.map((one) => literal(one, column)).join(', ')})`
  if (typeof test !== 'object') return `${value} = ${literal(test, column)}`
  const now = timeInto(mapped, column, 'now()')
  return 'before' in test ? `${expression} < ${now}` : `${expression} >= ${now}`
}

/** The columns that tell the state. */
export function stateColumns({ map: { status } }: Mapped): string[] {
  if ('column' in status) return [status.column]
  return [...new Set(status.when.flatMap(([, condition]) => Object.keys(condition)))]
}

/** The status of a row whose state the map does not name. */
const unmapped = 'unmapped'

/** The states that a map tells. */
export const statesOf = ({ status }: Pick<JobsMap, 'status'>): string[] =>
  'column' in status ? status.states.map(([, state]) => state) : status.when.map(([state]) => state)

/** Each state of the map with its condition over columns, in the order in which the first true one decides. */
function conditionsOf(mapped: Mapped, columnNamed: (name: string) => string): [state: string, condition: string][] {
  const { map, table } = mapped
  if ('column' in map.status) {
    const { column: name, states } = map.status
    const column = columnOf(table, name)
    return states
      .filter(([value]) => !isOfOtherRelease(map, column, value))
      .map(([value, state]) => [state, passes(mapped, columnNamed(name), column, value)])
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
  if (cases.length === 0) return `'${unmapped}'::text`
  return `case ${cases.map(([state, condition]) => `when ${condition} then '${state}'`).join(' ')} else '${unmapped}' end`
}

/**
 * An SQL expression of type text: the state in the words of the table, such as `3`, or `state 0, locked_at not null`. A column of which the map
 * asks no value may have a text of any length, such as an error, which is not shown.
 */
export function nativeState(mapped: Mapped): string {
  const { status } = mapped.map
  if ('column' in status) return `j.${columnOf(mapped.table, status.column).quoted}::text`
  const parts = stateColumns(mapped).map((name) => {
    const tests = status.when.flatMap(([, condition]) => (Object.hasOwn(condition, name) ? [condition[name]] : []))
    return `${quotedText(`${name} `)} || ${wordOf(mapped, name, tests)}`
  })
  return parts.length === 0 ? `''::text` : `pg_catalog.concat_ws(', ', ${parts.join(', ')})`
}

const isOfTime = (test: Test | undefined): boolean => typeof test === 'object' && test !== null && !Array.isArray(test)

function wordOf(mapped: Mapped, name: string, tests: readonly (Test | undefined)[]): string {
  const column = columnOf(mapped.table, name)
  const value = `j.${column.quoted}`
  if (tests.some((test) => test !== null && test !== 'not null' && !isOfTime(test)))
    return `coalesce(${value}::text, 'null')`
  const known = tests.some(isOfTime)
    ? `case when ${value} < ${timeInto(mapped, column, 'now()')} then 'before now()' else 'after now()' end`
    : `'not null'`
  return `case when ${value} is null then 'null' else ${known} end`
}

/** A condition on `jobs`: true for jobs in one of these states. The first part can use an index of a column that tells the state. */
export function hasState(mapped: Mapped, sql: Sql, states: readonly string[]): Fragment {
  const place = (name: string) => `jobs.native_${stateColumns(mapped).indexOf(name) + 1}`
  const meant = conditionsOf(mapped, place).filter(([state]) => states.includes(state))
  const conditions = [
    ...meant.map(([, condition]) => `(${condition})`),
    ...(states.includes(unmapped) ? [`jobs.status = '${unmapped}'`] : []),
  ]
  if (conditions.length === 0) return sql`false`
  const any = conditions.join(' or ')
  return sql.unsafe(`((${any}) and jobs.status in (${states.map(quotedText).join(', ')}))`)
}
