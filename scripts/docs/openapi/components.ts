import * as z from 'zod'
import { namedTypes } from '../sdk/named-types.ts'
import { type JsonSchema, outputSchema, sentSchema } from './schemas.ts'

/** A schema that others refer to by its name. */
interface Component {
  name: string
  schema: JsonSchema
  meaning: string
}

/** All named schemas: what several calls have in common. Two names of one schema are the first of them. */
export const components: readonly Component[] = Object.entries(namedTypes)
  .map(([name, { schema, sent, meaning }]) => ({
    name,
    schema: sent ? sentSchema(schema) : outputSchema(schema),
    meaning,
  }))
  .filter(({ schema }, at, all) => all.findIndex((one) => textOf(one.schema) === textOf(schema)) === at)

/** What decides whether two schemas are the same: all but what they mean at their place. */
function textOf({ description: _, ...schema }: JsonSchema): string {
  return JSON.stringify(schema)
}

const namesByText = new Map(components.map(({ name, schema }) => [textOf(schema), name]))

const Properties = z.record(z.string(), z.record(z.string(), z.unknown()))
const ObjectOf = z.looseObject({
  type: z.literal('object'),
  properties: Properties,
  required: z.array(z.string()).default([]),
})
type ObjectOf = z.output<typeof ObjectOf>

/** Objects with names, the one with the most fields first: a schema refers to the largest one that it extends. */
const bases = components
  .flatMap(({ name, schema }) => {
    const { data } = ObjectOf.safeParse(schema)
    return data && Object.keys(data.properties).length > 2 ? [{ name, ...data }] : []
  })
  .toSorted((one, other) => Object.keys(other.properties).length - Object.keys(one.properties).length)

const refTo = (name: string): JsonSchema => ({ $ref: `#/components/schemas/${name}` })

/** A schema in which each part that has a name refers to it. `self` is the name of the schema itself, which it does not refer to. */
export function withRefs(schema: JsonSchema, self?: string): JsonSchema {
  const { description, ...rest } = schema
  const meaning = description === undefined ? {} : { description }
  const name = namesByText.get(textOf(schema))
  if (name !== undefined && name !== self) return { ...refTo(name), ...meaning }
  return { ...(extended(rest, self) ?? partsWithRefs(rest)), ...meaning }
}

function partsWithRefs(schema: JsonSchema): JsonSchema {
  const { data } = ObjectOf.safeParse(schema)
  const properties = data && {
    properties: Object.fromEntries(Object.entries(data.properties).map(([name, part]) => [name, withRefs(part)])),
  }
  return Object.fromEntries(
    Object.entries({ ...schema, ...properties }).map(([key, value]) => [
      key,
      key === 'properties' ? value : partOf(value),
    ]),
  )
}

/** A value of a schema: another schema, a list of them, or neither. */
function partOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(partOf)
  const { data } = z.record(z.string(), z.unknown()).safeParse(value)
  return data ? withRefs(data) : value
}

/**
 * An answer with all fields of a named object, and more: the named one and the further fields. An input is closed, so that nothing can extend
 * it.
 */
function extended(schema: JsonSchema, self: string | undefined): JsonSchema | undefined {
  const { data } = ObjectOf.safeParse(schema)
  if (!data || data.additionalProperties === false) return undefined
  const base = bases.find((one) => one.name !== self && isPartOf(one, data))
  if (!base) return undefined
  const isOwn = (name: string) => !Object.hasOwn(base.properties, name)
  const required = data.required.filter(isOwn)
  const own = {
    ...schema,
    properties: Object.fromEntries(Object.entries(data.properties).filter(([name]) => isOwn(name))),
    required,
  }
  const { required: _, ...withoutRequired } = own
  return { allOf: [refTo(base.name), partsWithRefs(required.length > 0 ? own : withoutRequired)] }
}

const isPartOf = (base: ObjectOf, whole: ObjectOf): boolean =>
  base.additionalProperties !== false &&
  Object.keys(base.properties).length < Object.keys(whole.properties).length &&
  Object.entries(base.properties).every(
    ([name, part]) =>
      Object.hasOwn(whole.properties, name) &&
      textOf(part) === textOf(whole.properties[name] ?? {}) &&
      base.required.includes(name) === whole.required.includes(name),
  )
