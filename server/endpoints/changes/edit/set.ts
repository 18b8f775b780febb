import type { EditableField } from '../../../../shared/changes/edit.ts'
import type { Fragment, Sql } from '../../../database/sql.ts'
import { type EditPlan, type FieldValue, type PartValue, pathText, typeOf } from './plan.ts'

const types = {
  priority: 'int',
  max_retries: 'int',
  available_at: 'timestamptz',
  owner_user_id: 'text',
  batch_group: 'text',
  job_type: 'text',
} as const satisfies Record<EditableField, string>

/** An SQL expression: the value of a field. */
export const fieldValue = (sql: Sql, { field, text }: FieldValue): Fragment =>
  sql`${text}::text::${sql.unsafe(types[field])}`

/** Conditions joined by `and` or `or`; `none` without any. */
const joined = (sql: Sql, word: 'and' | 'or', conditions: readonly Fragment[]): Fragment =>
  conditions.reduce((all, one) => sql`${all} ${sql.unsafe(word)} ${one}`, word === 'and' ? sql`true` : sql`false`)

/** An SQL expression of type jsonb: what stands at a path of a document; null where nothing does. */
const at = (sql: Sql, document: Fragment, path: readonly string[]): Fragment =>
  path.length === 0 ? sql`${document}` : sql`(${document} #> ${[...path]}::text[])`

const payload = (sql: Sql): Fragment => sql`jobs.payload`

/** A value as PostgreSQL writes it, so that values with other digits are not equal. */
const normal = (sql: Sql, json: string): Fragment => sql`${json}::text::jsonb::text`

/** An SQL condition on `jobs`: what must be there now is there. */
export const isAsAsked = (sql: Sql, { parts, columns }: EditPlan): Fragment =>
  joined(sql, 'and', [
    ...parts.map(({ path, json }) => sql`${at(sql, payload(sql), path)} is not distinct from ${json}::text::jsonb`),
    ...columns.map((one) => sql`${sql.unsafe(`jobs.${one.field}`)} is not distinct from ${fieldValue(sql, one)}`),
  ])

/** An SQL condition on `jobs`: at least one value would be another one. */
export const differs = (sql: Sql, { sets, unsets, fields }: EditPlan): Fragment =>
  sql`(${joined(sql, 'or', [
    ...sets.map(({ path, json }) => sql`${at(sql, payload(sql), path)}::text is distinct from ${normal(sql, json)}`),
    ...unsets.map((path) => sql`${at(sql, payload(sql), path)} is not null`),
    ...fields.map((one) => sql`${sql.unsafe(`jobs.${one.field}`)} is distinct from ${fieldValue(sql, one)}`),
  ])})`

/** An SQL condition on `jobs`: a value that is set is not there yet. */
export const lacksPath = (sql: Sql, { sets }: EditPlan): Fragment =>
  sql`(${joined(
    sql,
    'or',
    sets.map(({ path }) => sql`${at(sql, payload(sql), path)} is null`),
  )})`

/** An SQL condition on `jobs`: a value of another type stands where one is set. */
export const hasOtherType = (sql: Sql, { sets }: EditPlan): Fragment =>
  sql`(${joined(
    sql,
    'or',
    sets.map(
      ({
        path,
        json,
      }) => sql`jsonb_typeof(${at(sql, payload(sql), path)}) is distinct from ${typeOf(JSON.parse(json))}::text
      and ${at(sql, payload(sql), path)} is not null`,
    ),
  )})`

/**
 * An SQL expression of type jsonb: the document with a value at a path. Objects on the way that are not there are made; `whyNot` says of
 * which documents it is true.
 */
function withValue(sql: Sql, document: Fragment, { path, json }: PartValue): Fragment {
  const missing = path.slice(0, -1).map((_, nth) => {
    const prefix = path.slice(0, nth + 1)
    const made = path.slice(nth + 1).reduceRight((value, name) => `{${JSON.stringify(name)}:${value}}`, json)
    return { is: sql`${at(sql, document, prefix)} is null`, prefix, made }
  })
  if (missing.length === 0) return sql`jsonb_set(${document}, ${[...path]}::text[], ${json}::text::jsonb)`
  const where = missing.reduce((all, { is, prefix }) => sql`${all} when ${is} then ${prefix}::text[]`, sql``)
  const what = missing.reduce((all, { is, made }) => sql`${all} when ${is} then ${made}::text::jsonb`, sql``)
  return sql`jsonb_set(
    ${document}, case ${where} else ${[...path]}::text[] end, case ${what} else ${json}::text::jsonb end
  )`
}

/** An SQL expression of type jsonb: a document, by default the payload of `jobs`, after the edit. */
export function editedPayload(sql: Sql, { sets, unsets }: EditPlan, document = payload(sql)): Fragment {
  const steps = [
    ...sets.map((set) => (document: Fragment) => withValue(sql, document, set)),
    ...unsets.map((path) => (document: Fragment) => sql`(${document} #- ${[...path]}::text[])`),
  ]
  // Each step names the document several times: as a subquery of its own it is computed once.
  return steps.reduce(
    (before, step) => sql`(select ${step(sql`d.value`)} from (select ${before} as value offset 0) as d)`,
    document,
  )
}

/**
 * Branches of a `case`: PostgreSQL takes -1, +1 and 01 for items of a list. Two names of one item would let an edit find its job again and
 * again.
 */
const oddIndexes = (sql: Sql, path: readonly string[]): Fragment =>
  path.reduce((all, name, nth) => {
    if (/^(?:0|[1-9]\d{0,8})$/.test(name)) return all
    return sql`${all} when jsonb_typeof(${at(sql, payload(sql), path.slice(0, nth))}) = 'array' then 'array'`
  }, sql``)

/** An SQL expression of type text over a document: what a value would be put into, where that is no object; null where it can be set. */
function wrongContainer(sql: Sql, path: readonly string[]): Fragment {
  const above = path.map((_, nth) => path.slice(0, path.length - 1 - nth))
  const branches = above
    .filter((prefix) => prefix.length > 0)
    .reduce((all, prefix) => {
      const value = at(sql, payload(sql), prefix)
      return sql`${all} when ${value} is not null then nullif(jsonb_typeof(${value}), 'object')`
    }, sql``)
  return sql`case
    ${oddIndexes(sql, path)}
    when ${at(sql, payload(sql), path)} is not null then null
    ${branches}
    else nullif(coalesce(jsonb_typeof(${payload(sql)}), 'null'), 'object')
  end`
}

/** An SQL expression of type text over a document: what a value would be taken out of, where that is no object. */
const wrongParent = (sql: Sql, path: readonly string[]): Fragment => sql`case
  ${oddIndexes(sql, path)}
  when ${at(sql, payload(sql), path)} is null then null
  else nullif(jsonb_typeof(${at(sql, payload(sql), path.slice(0, -1))}), 'object')
end`

const article = (sql: Sql, type: Fragment): Fragment =>
  sql`case when ${type} = 'array' then 'an array' when ${type} = 'null' then 'null' else 'a ' || ${type} end`

interface Bounds {
  /** The largest payload, in bytes. */
  maxBytes: number
}

/** An SQL expression of type text over `jobs`: why the job cannot be edited so; null where it can. */
export function whyNot(sql: Sql, plan: EditPlan, { maxBytes }: Bounds): Fragment {
  const { sets, unsets } = plan
  if (sets.length + unsets.length === 0) return sql`null::text`
  const blocked = [
    ...sets.map(({ path }) => ({ path, type: wrongContainer(sql, path), what: 'would be set in' })),
    ...unsets.map((path) => ({ path, type: wrongParent(sql, path), what: 'would be taken out of' })),
  ].reduce(
    (all, { path, type, what }) => sql`${all}
      when ${type} is not null
        then ${`${pathText(['payload', ...path])} ${what} `}::text || ${article(sql, type)}`,
    sql``,
  )
  const added = sets.reduce((sum, { path, json }) => sum + Buffer.byteLength(json + path.join('')) + 8 * path.length, 0)
  const fits = sql`octet_length(jobs.payload::text) + ${added}::int <= ${maxBytes}::int`
  return sql`case
    when jobs.payload ?| array['_encrypted', '_enc'] then 'its payload is encrypted'
    ${blocked}
    when not (${fits}) and octet_length(${editedPayload(sql, plan)}::text) > ${maxBytes}::int
      then ${`its payload would be larger than ${maxBytes.toLocaleString('en-US')} bytes`}::text
  end`
}
