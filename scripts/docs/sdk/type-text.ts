import * as z from 'zod'

/** What of a JSON schema decides about its type. */
const Schema = z.looseObject({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  const: z.unknown().optional(),
  enum: z.array(z.unknown()).optional(),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
  items: z.unknown().optional(),
  pattern: z.string().optional(),
  format: z.string().optional(),
  description: z.string().optional(),
  properties: z.record(z.string(), z.unknown()).default({}),
  required: z.array(z.string()).default([]),
  additionalProperties: z.unknown().optional(),
})
type Schema = z.output<typeof Schema>

/** A type with a name of its own: other types refer to it, or extend it. */
export interface Named {
  name: string
  /** The type as it stands without its name. */
  text: string
  /** The fields of an object, each as it is written. */
  fields: readonly string[]
  /** The fields with what they mean. */
  documented: readonly string[]
}

/** How types are written. */
interface Writing {
  named: readonly Named[]
  /** Lists of an input may be read-only. */
  list: 'readonly ' | ''
}

/** @returns a type that others refer to by its name, wherever its text would stand */
export function namedType(name: string, json: unknown, writing: Writing): Named {
  const schema = Schema.parse(json)
  const documented = Object.keys(schema.properties).map((field) => documentedField(field, schema, writing))
  return { name, text: typeOf(json, writing), fields: fieldsOf(schema, writing), documented }
}

/** The pattern of ids in a path: callers give them as numbers. */
const idPattern = '^[1-9]\\d{0,15}$'

/** The declaration of a type: an interface for an object, and an alias for anything else, and for a type that has another name. */
export function declarationOf(name: string, json: unknown, writing: Writing): string {
  const schema = Schema.parse(json)
  if (isEmptyInput(schema, writing)) return `export type ${name} = Readonly<Record<string, never>>\n`
  const text = typeOf(json, writing)
  if (schema.type !== 'object' || !text.startsWith('{')) return `export type ${name} = ${text}\n`
  const bases = basesOf(schema, writing)
  const inherited = new Set(bases.flatMap(({ documented }) => documented))
  const lines = Object.keys(schema.properties)
    .map((field) => documentedField(field, schema, writing))
    .filter((field) => !inherited.has(field))
  if (isOpen(schema)) lines.push(`  ${furtherFields}`)
  return `export interface ${name}${bases.length > 0 ? ` extends ${bases.map((base) => base.name).join(', ')}` : ''} {\n${lines.join('\n')}\n}\n`
}

/** A field with what it means: a base whose field means something else does not stand for it. */
function documentedField(field: string, schema: Schema, writing: Writing): string {
  const meaning = Schema.parse(schema.properties[field]).description
  const comment = meaning === undefined ? '' : `  /** ${sentenceOf(meaning)} */\n`
  return `${comment}  ${fieldOf(field, schema, writing)}`
}

const sentenceOf = (meaning: string): string => `${meaning[0]?.toUpperCase()}${meaning.slice(1)}`

/** True for an answer that has further fields, which no schema names. */
const isOpen = ({ additionalProperties }: Schema): boolean => JSON.stringify(additionalProperties) === '{}'
const furtherFields = '[name: string]: unknown'

const hasNoFields = ({ properties }: Schema): boolean => Object.keys(properties).length === 0

/** An input without fields: `additionalProperties` is false, or what a caller may send. */
const isEmptyInput = (schema: Schema, { list }: Writing): boolean =>
  list !== '' && schema.type === 'object' && hasNoFields(schema) && schema.additionalProperties === false

/** The named types whose fields an object all has, and more: the one with the most fields, and others beside it. A few fields are equal by chance. */
function basesOf(schema: Schema, writing: Writing): Named[] {
  const fields = fieldsOf(schema, writing)
  const bases: Named[] = []
  const own = new Set(fields)
  for (const base of writing.named.toSorted((one, other) => other.fields.length - one.fields.length)) {
    if (base.fields.length < 5 || base.fields.length >= fields.length) continue
    if (!base.fields.every((field) => own.has(field))) continue
    bases.push(base)
    for (const field of base.fields) own.delete(field)
  }
  return bases
}

const fieldsOf = (schema: Schema, writing: Writing): readonly string[] =>
  Object.keys(schema.properties).map((field) => fieldOf(field, schema, writing))

function fieldOf(field: string, { properties, required }: Schema, writing: Writing): string {
  const type = typeOf(properties[field], writing)
  const name = /^[a-z_]\w*$/i.test(field) ? field : JSON.stringify(field)
  return required.includes(field) ? `${name}: ${type}` : `${name}?: ${type} | undefined`
}

/** The type of a value that keeps a JSON schema, by its name where it has one. */
function typeOf(json: unknown, writing: Writing): string {
  const text = textOf(json, writing)
  return writing.named.find((one) => one.text === text)?.name ?? text
}

function textOf(json: unknown, writing: Writing): string {
  const schema = Schema.parse(json)
  // The clients call a server for jobs of its own table, whose ids are numbers.
  if (schema.format === 'job-id') return 'number'
  const either = schema.anyOf ?? schema.oneOf
  if (either) return unionOf(either.map((part) => typeOf(part, writing)))
  if (schema.enum) return unionOf(schema.enum.map(literal))
  if (schema.const !== undefined) return literal(schema.const)
  if (Array.isArray(schema.type)) return unionOf(schema.type.map((type) => typeOf({ ...schema, type }, writing)))
  if (schema.type === 'array') {
    const item = typeOf(schema.items, writing)
    return `${writing.list}${isUnion(item) || item.startsWith('readonly ') ? `(${item})` : item}[]`
  }
  if (schema.type === 'object') return objectOf(schema, writing)
  if (schema.type === 'string') return textTypeOf(schema, writing)
  if (schema.type === 'integer' || schema.type === 'number') return 'number'
  return schema.type ?? 'unknown'
}

/** A time that is sent may be a Date, which becomes a text in ISO 8601. */
function textTypeOf({ pattern, format }: Schema, { list }: Writing): string {
  if (pattern === idPattern) return 'number'
  return format === 'date-time' && list !== '' ? 'string | Date' : 'string'
}

function objectOf(schema: Schema, writing: Writing): string {
  if (!hasNoFields(schema)) {
    return `{ ${[...fieldsOf(schema, writing), ...(isOpen(schema) ? [furtherFields] : [])].join('; ')} }`
  }
  if (schema.additionalProperties === undefined || schema.additionalProperties === true) return 'object'
  return `Record<string, ${typeOf(schema.additionalProperties, writing)}>`
}

/** One alternative of the types; unknown takes all others in. */
function unionOf(types: readonly string[]): string {
  const once = [...new Set(types)]
  return once.includes('unknown') ? 'unknown' : once.join(' | ')
}

/** True for alternatives that stand in no braces. */
function isUnion(type: string): boolean {
  const outside = type.replaceAll(/\{[^{}]*\}/g, '')
  return outside === type ? type.includes(' | ') : isUnion(outside)
}

const literal = (value: unknown): string => (typeof value === 'string' ? `'${value}'` : String(value))
