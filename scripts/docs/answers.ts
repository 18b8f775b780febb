import * as z from 'zod'
import type { EndpointName } from '../../shared/endpoint-names.ts'
import { all } from './api/calls.ts'
import { code, table } from './markdown.ts'
import { components, withRefs } from './openapi/components.ts'
import { type JsonSchema, outputSchema } from './openapi/schemas.ts'

/** What this page reads of the schema of an answer. */
const Schema: z.ZodType<Schema> = z.lazy(() =>
  z.looseObject({
    $ref: z.string().optional(),
    type: z.union([z.string(), z.array(z.string())]).optional(),
    format: z.string().optional(),
    description: z.string().optional(),
    enum: z.array(z.unknown()).optional(),
    const: z.unknown().optional(),
    items: Schema.optional(),
    properties: z.record(z.string(), Schema).optional(),
    required: z.array(z.string()).optional(),
    additionalProperties: z.union([z.boolean(), Schema]).optional(),
    anyOf: z.array(Schema).optional(),
    oneOf: z.array(Schema).optional(),
    allOf: z.array(Schema).optional(),
  }),
)
interface Schema {
  $ref?: string | undefined
  type?: string | string[] | undefined
  format?: string | undefined
  description?: string | undefined
  enum?: unknown[] | undefined
  const?: unknown
  items?: Schema | undefined
  properties?: Record<string, Schema> | undefined
  required?: string[] | undefined
  additionalProperties?: boolean | Schema | undefined
  anyOf?: Schema[] | undefined
  oneOf?: Schema[] | undefined
  allOf?: Schema[] | undefined
}

const answered = new Set<string>()

/** What a call answers: a sentence, and a table of its fields. */
export function answerPart(name: EndpointName): string[] {
  const { data: schema } = Schema.safeParse(withRefs(outputSchema(all[name].output)))
  if (!schema) throw new Error(`${name}: its answer has no schema that this page can show`)
  const meaning = schema.description === undefined ? '' : ` ${sentenceOf(schema.description)}`
  if (schema.$ref !== undefined || schema.type === 'array') return [`Answer: ${typeOf(schema)}.${meaning}`]
  const { bases, rows } = fieldsOf(schema)
  const more = bases.length === 0 ? '' : `the fields of ${bases.join(' and of ')}${rows.length > 0 ? ', and' : '.'}`
  return [`Answer: ${more === '' ? 'an object.' : more}${meaning}`, ...(rows.length > 0 ? [fieldTable(rows)] : [])]
}

/** The types that answers refer to, each with a table of its fields. */
export function typesPart(): string[] {
  const parts: string[] = []
  const done = new Set<string>()
  // A type may refer to others: until nothing new is referred to.
  for (let open = [...answered]; open.length > 0; open = [...answered].filter((name) => !done.has(name))) {
    for (const name of open) done.add(name)
    for (const name of open) typeOf(Schema.parse(withRefs(componentOf(name).schema, name)))
    for (const name of open) fieldsOf(Schema.parse(withRefs(componentOf(name).schema, name)))
  }
  for (const { name, meaning, schema: json } of components.filter(({ name }) => done.has(name))) {
    const schema = Schema.parse(withRefs(json, name))
    const { bases, rows } = fieldsOf(schema)
    const of = bases.length === 0 ? '' : ` The fields of ${bases.join(' and of ')}, and these.`
    parts.push(`### ${name}`, `${meaning}${of}`)
    parts.push(rows.length > 0 ? fieldTable(rows) : `${typeOf(schema)}.`)
  }
  return parts
}

const componentOf = (name: string): { schema: JsonSchema } => {
  const found = components.find((one) => one.name === name)
  if (!found) throw new Error(`no schema is named ${name}`)
  return found
}

interface Row {
  name: string
  type: string
  meaning: string
}

const fieldTable = (rows: readonly Row[]): string =>
  table(
    ['field', 'type', 'meaning'],
    rows.map(({ name, type, meaning }) => [code(name), type, meaning]),
  )

/** The named types that an object has the fields of, and its own fields; those of objects within it by their paths, such as `days[].day`. */
function fieldsOf(schema: Schema, at = ''): { bases: string[]; rows: Row[] } {
  const parts = schema.allOf ?? [schema]
  return {
    bases: parts.flatMap(({ $ref }) => ($ref === undefined ? [] : [linkTo($ref)])),
    rows: [
      ...parts.flatMap((part) => rowsOf(part, at)),
      ...(schema.oneOf ?? []).flatMap((part) => fieldsOf(part, at).rows),
    ],
  }
}

const rowsOf = ({ properties = {}, required = [] }: Schema, at: string): Row[] =>
  Object.entries(properties).flatMap(([field, part]) => {
    const name = `${at}${field}`
    const absent = required.includes(field) ? '' : '; may be absent'
    return [
      { name, type: `${typeOf(part)}${absent}`, meaning: sentenceOf(part.description ?? '') },
      ...rowsWithin(part, name),
    ]
  })

/** The fields of an object, or of the objects of a list, that has no name. */
function rowsWithin(part: Schema, name: string): Row[] {
  if (part.$ref !== undefined) return []
  const inner = notNull(part)
  if (inner !== part) return rowsWithin(inner, name)
  if (part.items) return rowsWithin(part.items, `${name}[]`)
  if (typeof part.additionalProperties === 'object') return rowsWithin(part.additionalProperties, `${name}.*`)
  return fieldsOf(part, `${name}.`).rows
}

/** What a schema is where its value is not null. */
function notNull(schema: Schema): Schema {
  const either = schema.anyOf?.filter(({ type }) => type !== 'null') ?? []
  return either.length === 1 && either[0] ? either[0] : schema
}

function typeOf(schema: Schema): string {
  const either = schema.anyOf ?? schema.oneOf
  if (schema.format === 'job-id') return 'integer, or the key of a job as text'
  if (either) {
    const types = [...new Set(either.map((part) => (part.type === 'null' ? 'null' : typeOf(part))))]
    return types.join(' or ')
  }
  if (schema.$ref !== undefined) return linkTo(schema.$ref)
  if (schema.allOf)
    return schema.allOf.map((part) => ('$ref' in part ? typeOf(part) : 'the fields below')).join(' with ')
  if (schema.enum) return schema.enum.map((value) => code(String(value))).join(', ')
  if (schema.const !== undefined) return code(JSON.stringify(schema.const))
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ ...schema, type })).join(' or ')
  if (schema.type === 'array') return `list of ${schema.items ? typeOf(schema.items) : 'JSON'}`
  if (schema.type === 'object') {
    const { additionalProperties: of } = schema
    return typeof of === 'object' && !schema.properties ? `object of ${typeOf(of)} by name` : 'object'
  }
  if (schema.format === 'date-time') return 'time'
  if (schema.type === 'string') return 'text'
  return schema.type ?? 'JSON'
}

function linkTo(ref: string): string {
  const name = ref.split('/').at(-1) ?? ''
  answered.add(name)
  return `[${name}](#${name.toLowerCase()})`
}

const sentenceOf = (meaning: string): string => `${meaning.slice(0, 1).toUpperCase()}${meaning.slice(1)}`
