import * as z from 'zod'
import type { JsonSchema } from '../openapi/schemas.ts'

/** What of a JSON schema decides about its type. */
const Schema = z.looseObject({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  const: z.unknown().optional(),
  enum: z.array(z.unknown()).optional(),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
  items: z.unknown().optional(),
  pattern: z.string().optional(),
  description: z.string().optional(),
  properties: z.record(z.string(), z.unknown()).default({}),
  required: z.array(z.string()).default([]),
  additionalProperties: z.unknown().optional(),
})
type Schema = z.output<typeof Schema>

/** A schema with a name of its own: other types refer to it, or extend it. */
export interface Named {
  name: string
  json: JsonSchema
}

interface Writing {
  named: readonly Named[]
  /** Lists of an input may be read-only. */
  list: 'readonly ' | ''
}

/** True for the same type, whatever the schemas say that it means. */
const same = (one: unknown, other: unknown): boolean =>
  JSON.stringify(one, withoutDescription) === JSON.stringify(other, withoutDescription)
const withoutDescription = (name: string, value: unknown) =>
  name === 'description' && typeof value === 'string' ? undefined : value

/** The pattern of ids in a path: callers give them as numbers. */
const idPattern = '^[1-9]\\d{0,15}$'

/** The declaration of a type: an interface for an object, and an alias for anything else. */
export function declarationOf(name: string, json: unknown, writing: Writing): string {
  const schema = Schema.parse(json)
  if (schema.type !== 'object' || hasNoFields(schema)) {
    return `export type ${name} = ${isEmptyInput(schema, writing) ? 'Readonly<Record<string, never>>' : typeOf(json, writing)}\n`
  }
  const base = writing.named.find((one) => one.name !== name && isExtended(schema, one))
  const inherited = base ? Schema.parse(base.json).properties : {}
  const own = Object.keys(schema.properties).filter((field) => !Object.hasOwn(inherited, field))
  const lines = own.flatMap((field) => {
    const meaning = Schema.parse(schema.properties[field]).description
    return [
      ...(meaning === undefined ? [] : [`  /** ${sentenceOf(meaning)} */`]),
      `  ${fieldOf(field, schema, writing)}`,
    ]
  })
  if (isOpen(schema)) lines.push(`  ${furtherFields}`)
  return `export interface ${name}${base ? ` extends ${base.name}` : ''} {\n${lines.join('\n')}\n}\n`
}

const sentenceOf = (meaning: string): string => `${meaning[0]?.toUpperCase()}${meaning.slice(1)}`

/** True for an answer that has further fields, which no schema names. */
const isOpen = ({ additionalProperties }: Schema): boolean => same(additionalProperties, {})
const furtherFields = '[name: string]: unknown'

const hasNoFields = ({ properties }: Schema): boolean => Object.keys(properties).length === 0

/** An input without fields: `additionalProperties` is false, or what a caller may send. */
const isEmptyInput = (schema: Schema, { list }: Writing): boolean =>
  list !== '' && schema.type === 'object' && schema.additionalProperties === false

/** True when a schema has all fields of a named one, and more. */
function isExtended({ properties, required }: Schema, { json }: Named): boolean {
  const base = Schema.parse(json)
  const names = Object.keys(base.properties)
  return (
    names.length < Object.keys(properties).length &&
    names.every(
      (name) =>
        same(base.properties[name], properties[name]) && base.required.includes(name) === required.includes(name),
    )
  )
}

function fieldOf(field: string, { properties, required }: Schema, writing: Writing): string {
  const type = typeOf(properties[field], writing)
  const name = /^[a-z_]\w*$/i.test(field) ? field : JSON.stringify(field)
  return required.includes(field) ? `${name}: ${type}` : `${name}?: ${type} | undefined`
}

/** The type of a value that keeps a JSON schema, as TypeScript writes it. */
function typeOf(json: unknown, writing: Writing): string {
  const named = writing.named.find((one) => same(one.json, json))
  if (named) return named.name
  const schema = Schema.parse(json)
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
  if (schema.type === 'string') return schema.pattern === idPattern ? 'number' : 'string'
  if (schema.type === 'integer' || schema.type === 'number') return 'number'
  return schema.type ?? 'unknown'
}

function objectOf(schema: Schema, writing: Writing): string {
  if (!hasNoFields(schema)) {
    const fields = Object.keys(schema.properties).map((field) => fieldOf(field, schema, writing))
    return `{ ${[...fields, ...(isOpen(schema) ? [furtherFields] : [])].join('; ')} }`
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
