import { quotedText } from '../parts/sql-text.ts'
import type { Named, ValueOfRow } from './map.ts'
import { type Column, columnOf, isNumber, type Mapped, type Table } from './table.ts'

/** An SQL expression of type text: a name for all jobs, or the one of a column. */
export function nameOf(table: Table, value: Named): string {
  if (typeof value === 'string') return `${quotedText(value)}::text`
  const column = columnOf(table, value.column)
  const text = textIn(`j.${column.quoted}`, column, value)
  if (value.none !== undefined) return `coalesce(nullif(${text}, ''), ${quotedText(value.none)})`
  return column.required && value.at === undefined ? text : `coalesce(${text}, '')`
}

/** An SQL expression of type text: a value, or what stands within it. */
function textIn(expression: string, column: Column, { at }: Pick<ValueOfRow, 'at'>): string {
  if (at === undefined) return column.type === 'pg_catalog.text' ? expression : `${expression}::text`
  return `(${withinJson(expression, column)} #>> ${pathOf(at)})`
}

const pathOf = (at: readonly (string | number)[]): string =>
  `array[${at.map((step) => quotedText(String(step))).join(', ')}]::text[]`

/** An SQL expression of type jsonb. A text may be no JSON. */
const withinJson = (expression: string, column: Column): string => {
  if (column.base === 'json') return safeJson(`${expression}::text`)
  if (column.base === '_json') return safeJson(`pg_catalog.to_json(${expression})::text`)
  return `pg_catalog.to_jsonb(${expression})`
}

/** Escapes that jsonb refuses: of NUL, and of half a surrogate pair. */
const refusedEscape = String.raw`\\u0000|\\u[dD][89a-fA-F]`
/** An escaped backslash, after which `u` is a letter, and a whole surrogate pair. */
const harmlessEscape = String.raw`\\\\|\\u[dD][89abAB]..\\u[dD][c-fC-F]..`
const longExponent = '[eE][-+]?[0-9]{5}'
const jsonString = String.raw`"([^"\\]|\\.)*"`

/**
 * An SQL expression of type jsonb: JSON, or its text where jsonb does not take what the type json has: `\u0000`, half of a pair of surrogates, and
 * numbers of more digits than `numeric`. One such row would end every statement that reads its payload. The first condition is the fast one: in a
 * text of 6,000 characters, no number without a long exponent is too large.
 */
const safeJson = (text: string): string => {
  const without = (part: string) => `pg_catalog.regexp_replace(${text}, ${quotedText(part)}, '', 'g')`
  return `case
  when pg_catalog.length(${text}) < 6000 and ${text} !~ ${quotedText(`${refusedEscape}|[0-9]${longExponent}`)} then ${text}::jsonb
  when ${without(harmlessEscape)} !~ ${quotedText(refusedEscape)} and ${without(jsonString)} !~ ${quotedText(`${longExponent}|[0-9.]{250}`)} then ${text}::jsonb
  else pg_catalog.to_jsonb(${text})
end`
}

/** The value of the job, or of the newest row of another table that belongs to it. */
function ofRow(
  { table, others }: Mapped,
  value: ValueOfRow,
  make: (expression: string, column: Column) => string,
): string {
  if (value.from === undefined) {
    const column = columnOf(table, value.column)
    return make(`j.${column.quoted}`, column)
  }
  const other = others.get(value.from)
  if (!other) throw new Error(`there is no table ${value.from}`)
  const column = columnOf(other, value.column)
  const joined = Object.entries(value.where ?? {}).map(
    ([theirs, own]) => `o.${columnOf(other, theirs).quoted} = j.${columnOf(table, own).quoted}`,
  )
  const order = value.newest === undefined ? '' : ` order by o.${columnOf(other, value.newest).quoted} desc nulls last`
  return `(select ${make(`o.${column.quoted}`, column)} from ${other.relation} o where ${joined.join(' and ')}${order} limit 1)`
}

export const textOf = (mapped: Mapped, value: ValueOfRow): string =>
  ofRow(mapped, value, (expression, column) => textIn(expression, column, value))

export const jsonOf = (mapped: Mapped, value: ValueOfRow): string =>
  ofRow(mapped, value, (expression, column) => {
    const json = withinJson(expression, column)
    if (value.at !== undefined) return `(${json} #> ${pathOf(value.at)})`
    return column.base === 'jsonb' ? expression : json
  })

/** An SQL expression of type integer: a number that is too large is the largest one. `least` alone would be that one also for null. */
export function numberOf(table: Table, { column }: ValueOfRow): string {
  const of = columnOf(table, column)
  if (of.base === 'int4' || of.base === 'int2') return `j.${of.quoted}::integer`
  return `case when j.${of.quoted} is not null then greatest(least(j.${of.quoted}, 2147483647), -2147483648)::integer end`
}

/** An SQL expression of type timestamptz: infinite for a time beyond the years of PostgreSQL, on which every statement would end. */
export function timeOf(mapped: Mapped, name: string, row = 'j'): string {
  const column = columnOf(mapped.table, name)
  return timeFrom(mapped, column, `${row}.${column.quoted}`)
}

function timeFrom({ map }: Pick<Mapped, 'map'>, column: Column, value: string): string {
  if (isNumber(column)) return timeOfSeconds(value, column)
  if (column.base === 'timestamptz') return value
  return `case
  when ${value} > date '294276-12-29' then 'infinity'
  when ${value} < date '4714-11-26 BC' then '-infinity'
  else ${value}::timestamp at time zone ${quotedText(map.zone ?? 'UTC')}
end`
}

/** An SQL expression of type timestamptz: a time as a column keeps it. Undefined for a column that keeps every time. */
export function timeKept(mapped: Mapped, name: string, time: string): string | undefined {
  const column = columnOf(mapped.table, name)
  const isStamp = column.base === 'timestamptz' || column.base === 'timestamp'
  if (isStamp && column.modifier < 0) return undefined
  const value = timeInto(mapped, column, time)
  return timeFrom(mapped, column, isStamp ? `pg_catalog.${column.base}(${value}, ${column.modifier})` : `(${value})`)
}

/** The same for a number of seconds: null for NaN. A numeric may be too large or too small for a double precision, and is rounded to microseconds. */
function timeOfSeconds(value: string, { base }: Column): string {
  const seconds = base === 'numeric' ? value : `${value}::double precision`
  return `case
  when ${seconds} = 'NaN' then null
  when ${seconds} >= 9224318015999 then 'infinity'
  when ${seconds} < -210866803200 then '-infinity'
  else pg_catalog.to_timestamp(${base === 'numeric' ? `pg_catalog.round(${value}, 6)::double precision` : seconds})
end`
}

/** An SQL expression of the type of a column: a time of type timestamptz as the column has it. */
export function timeInto({ map }: Mapped, column: Column, time: string): string {
  if (isNumber(column)) return `extract(epoch from ${time})::${column.type}`
  return column.base === 'timestamptz'
    ? time
    : `(${time} at time zone ${quotedText(map.zone ?? 'UTC')})::${column.type}`
}

/** An SQL expression: when a job ended, if it has. */
export function endOf(mapped: Mapped): string {
  const names = [mapped.map.times.ended ?? []].flat()
  const times = names.map((name) => timeOf(mapped, name))
  if (times.length === 0) return 'null::timestamptz'
  return times.length === 1 ? `${times[0]}` : `coalesce(${times.join(', ')})`
}
