import type { EditableField } from '../../../../shared/changes/edit.ts'
import type { Fragment, Sql } from '../../../database/sql.ts'
import { editJsonText, hasRepeatedName, readJsonText } from './json-text.ts'
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

/**
 * An SQL expression over the payload of `jobs` as jsonb: one that is kept as a text is read once.
 * @param make makes it over the payload, an expression
 */
export const overPayload = (sql: Sql, { payloadText }: EditPlan, make: (document: Fragment) => Fragment): Fragment =>
  payloadText === undefined
    ? make(sql`jobs.payload`)
    : sql`(select ${make(sql`d.payload`)} from (select ${readJsonText(sql, payloadText)} as payload offset 0) as d)`

/** An SQL expression: the payload of `jobs` in the form in which it is kept. */
const keptPayload = (sql: Sql, { payloadText }: EditPlan): Fragment =>
  payloadText ? sql.unsafe(payloadText.text) : sql`jobs.payload`

/** An SQL condition on `jobs`: a payload that is kept as a text is no JSON that jsonb keeps. */
const isUnreadable = (sql: Sql, plan: EditPlan, document: Fragment): Fragment =>
  plan.payloadText === undefined ? sql`false` : sql`(${document} is null and ${keptPayload(sql, plan)} is not null)`

/** A value as PostgreSQL writes it, so that values with other digits are not equal. */
const normal = (sql: Sql, json: string): Fragment => sql`${json}::text::jsonb::text`

/** An SQL condition on `jobs` and its payload: what must be there now is there. */
export const isAsAsked = (sql: Sql, { parts, columns }: EditPlan, document: Fragment): Fragment =>
  joined(sql, 'and', [
    ...parts.map(({ path, json }) => sql`${at(sql, document, path)} is not distinct from ${json}::text::jsonb`),
    ...columns.map((one) => sql`${sql.unsafe(`jobs.${one.field}`)} is not distinct from ${fieldValue(sql, one)}`),
  ])

/** An SQL condition on `jobs` and its payload: at least one value would be another one. */
export const differs = (sql: Sql, plan: EditPlan, document: Fragment): Fragment =>
  sql`(${joined(sql, 'or', [
    ...plan.sets.map(({ path, json }) => sql`${at(sql, document, path)}::text is distinct from ${normal(sql, json)}`),
    ...plan.unsets.map((path) => sql`${at(sql, document, path)} is not null`),
    ...(plan.payloadText !== undefined && plan.unsets.length > 0 ? [isUnreadable(sql, plan, document)] : []),
    ...plan.fields.map((one) => sql`${sql.unsafe(`jobs.${one.field}`)} is distinct from ${fieldValue(sql, one)}`),
  ])})`

/** An SQL condition on the payload: a value that is set is not there yet. */
export const lacksPath = (sql: Sql, { sets }: EditPlan, document: Fragment): Fragment =>
  sql`(${joined(
    sql,
    'or',
    sets.map(({ path }) => sql`${at(sql, document, path)} is null`),
  )})`

/** An SQL condition on the payload: a value of another type stands where one is set. */
export const hasOtherType = (sql: Sql, { sets }: EditPlan, document: Fragment): Fragment =>
  sql`(${joined(
    sql,
    'or',
    sets.map(({ path, json }) => {
      const there = at(sql, document, path)
      return sql`jsonb_typeof(${there}) is distinct from ${typeOf(JSON.parse(json))}::text and ${there} is not null`
    }),
  )})`

/** An SQL expression: the first names of a path, as many as `length` says. */
const firstOf = (sql: Sql, path: readonly string[], length: Fragment): Fragment =>
  sql`(${[...path]}::text[])[:${length}]`

/**
 * What a value is put at, and what is put there: objects on the way that are not there are made. `whyNot` says of which documents it is true.
 * @returns SQL expressions over a document, of the types text[] and text
 */
function placeOf(sql: Sql, document: Fragment, { path, json }: PartValue): { place: Fragment; put: Fragment } {
  const whole = { place: sql`${[...path]}::text[]`, put: sql`${json}::text` }
  if (path.length === 1) return whole
  const isThere = sql`${at(sql, document, path.slice(0, -1))} is not null`
  const depth = sql`(
    select coalesce(min(step), ${path.length}::int)
    from generate_series(1, ${path.length - 1}::int) as step
    where ${document} #> ${firstOf(sql, path, sql`step`)} is null
  )`
  return {
    place: sql`case when ${isThere} then ${whole.place} else ${firstOf(sql, path, depth)} end`,
    put: sql`case when ${isThere} then ${whole.put} else (
      select string_agg('{' || to_json(name)::text || ':', '' order by nth) || ${json}::text || repeat('}', count(*)::int)
      from unnest(${[...path]}::text[]) with ordinality as names (name, nth)
      where nth > ${depth}
    ) end`,
  }
}

/**
 * An SQL expression: the payload after the edit, in the form in which it is kept, jsonb or text.
 * @param before the payload before it, by default the one of `jobs`
 */
export function editedPayload(sql: Sql, plan: EditPlan, before = keptPayload(sql, plan)): Fragment {
  const { sets, unsets } = plan
  if (plan.payloadText === undefined) {
    const steps = [
      ...sets.map((set) => (document: Fragment) => {
        const { place, put } = placeOf(sql, document, set)
        return sql`jsonb_set(${document}, ${place}, (${put})::jsonb)`
      }),
      ...unsets.map((path) => (document: Fragment) => sql`(${document} #- ${[...path]}::text[])`),
    ]
    // Each step names the document several times: as a subquery of its own it is computed once.
    return steps.reduce(
      (document, step) => sql`(select ${step(sql`d.value`)} from (select ${document} as value offset 0) as d)`,
      before,
    )
  }
  const places = [
    ...sets.map((set) => placeOf(sql, sql`d.value`, set)),
    ...unsets.map((path) => ({ place: sql`${[...path]}::text[]`, put: undefined })),
  ]
  return places.reduce((text, { place, put }) => editJsonText(sql, text, place, put), before)
}

/**
 * An SQL condition: a name on the path is no index of the list that it leads into. PostgreSQL takes -1, +1 and 01 for items of a list. Two names
 * of one item would let an edit find its job again and again.
 */
const hasOddIndex = (sql: Sql, document: Fragment, path: readonly string[]): Fragment => sql`exists (
  select from unnest(${[...path]}::text[]) with ordinality as names (name, nth)
  where name !~ '^(0|[1-9][0-9]{0,8})$' and jsonb_typeof(${document} #> ${firstOf(sql, path, sql`nth - 1`)}) = 'array'
)`

/** A branch of a `case`, in which most jobs end: the value is to be a key of an object that is there, and no list is on the way. */
const unlessPlain = (sql: Sql, document: Fragment, path: readonly string[]): Fragment => {
  const above = path.slice(0, -1)
  return above.some((name) => /\d/.test(name))
    ? sql``
    : sql`when jsonb_typeof(${at(sql, document, above)}) = 'object' then null`
}

/** An SQL expression of type text: what a value would be put into, where that is no object; null where it can be set. */
const wrongContainer = (sql: Sql, document: Fragment, path: readonly string[]): Fragment => sql`case
  ${unlessPlain(sql, document, path)}
  when ${hasOddIndex(sql, document, path)} then 'array'
  when ${at(sql, document, path)} is null then nullif(coalesce((
    select jsonb_typeof(${document} #> ${firstOf(sql, path, sql`step`)})
    from generate_series(0, ${path.length - 1}::int) as step
    where ${document} #> ${firstOf(sql, path, sql`step`)} is not null
    order by step desc
    limit 1
  ), 'null'), 'object')
end`

/** An SQL expression of type text: what a value would be taken out of, where that is no object. */
const wrongParent = (sql: Sql, document: Fragment, path: readonly string[]): Fragment => sql`case
  ${unlessPlain(sql, document, path)}
  when ${hasOddIndex(sql, document, path)} then 'array'
  when ${at(sql, document, path)} is not null then nullif(jsonb_typeof(${at(sql, document, path.slice(0, -1))}), 'object')
end`

const article = (sql: Sql, type: Fragment): Fragment =>
  sql`case when ${type} = 'array' then 'an array' when ${type} = 'null' then 'null' else 'a ' || ${type} end`

interface Bounds {
  /** The largest payload, in bytes. */
  maxBytes: number
}

/** An SQL expression of type text over `jobs` and its payload: why the job cannot be edited so; null where it can. */
export function whyNot(sql: Sql, plan: EditPlan, { maxBytes }: Bounds, document: Fragment): Fragment {
  if (plan.sets.length + plan.unsets.length === 0) return sql`null::text`
  const { sets, unsets, payloadText } = plan
  const kept = keptPayload(sql, plan)
  const blocked = [
    ...sets.map(({ path }) => ({ path, type: wrongContainer(sql, document, path), what: 'would be set in' })),
    ...unsets.map((path) => ({ path, type: wrongParent(sql, document, path), what: 'would be taken out of' })),
  ].reduce(
    (all, { path, type, what }) => sql`${all}
      when ${type} is not null
        then ${`${pathText(['payload', ...path])} ${what} `}::text || ${article(sql, type)}`,
    sql``,
  )
  const added = sets.reduce((sum, { path, json }) => sum + Buffer.byteLength(json + path.join('')) + 8 * path.length, 0)
  const fits = sql`octet_length(${kept}::text) + ${added}::int <= ${maxBytes}::int`
  return sql`case
    ${payloadText === undefined ? sql`` : sql`when ${isUnreadable(sql, plan, document)} then 'its payload is no JSON that jsonb can keep'`}
    when ${document} ?| array['_encrypted', '_enc'] then 'its payload is encrypted'
    ${blocked}
    ${payloadText === undefined ? sql`` : repeated(sql, plan, kept, document)}
    when not (${fits}) and octet_length(${editedPayload(sql, plan)}::text) > ${maxBytes}::int
      then ${`its payload would be larger than ${maxBytes.toLocaleString('en-US')} bytes`}::text
  end`
}

/** Branches of a `case`: programs differ in which of two values of one name they read. */
const repeated = (sql: Sql, { sets, unsets }: EditPlan, text: Fragment, document: Fragment): Fragment =>
  [...sets.map(({ path }) => path), ...unsets].reduce(
    (all, path) => sql`${all}
      when ${hasRepeatedName(sql, text, document, path)}
        then ${`a name of ${pathText(['payload', ...path])} stands twice in its object`}::text`,
    sql``,
  )
