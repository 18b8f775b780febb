import fc from 'fast-check'
import * as z from 'zod'

/** What the values of a schema are made from. */
const Schema = z.looseObject({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  const: z.unknown().optional(),
  enum: z.array(z.unknown()).optional(),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
  items: z.unknown().optional(),
  properties: z.record(z.string(), z.unknown()).default({}),
  required: z.array(z.string()).default([]),
  minimum: z.number().default(0),
  maximum: z.number().default(1_000_000),
  minLength: z.number().default(1),
  maxLength: z.number().default(20),
  minItems: z.number().default(0),
  maxItems: z.number().default(3),
  pattern: z.string().optional(),
  format: z.string().optional(),
})

const letters = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789')
const dayMs = 86_400_000
/** Times of the next months: the end of a hold, or of a change, lies ahead. */
const times = fc.integer({ min: 1, max: 300 }).map((days) => new Date(Date.now() + days * dayMs))

const WithId = z.looseObject({ id: z.union([z.number(), z.string()]) })

/** Values that a JSON schema takes: plain ones, of the fields that have to be there. */
export function valuesOf(json: unknown): fc.Arbitrary<unknown> {
  const schema = Schema.parse(json)
  const either = schema.anyOf ?? schema.oneOf
  if (either) return fc.oneof(...either.map(valuesOf))
  if (schema.enum) return fc.constantFrom(...schema.enum)
  if (schema.const !== undefined) return fc.constant(schema.const)
  const [type] = [schema.type ?? 'any'].flat()
  if (type === 'string') return textsOf(schema)
  if (type === 'boolean') return fc.boolean()
  if (type === 'integer' || type === 'number')
    return fc.integer({ min: schema.minimum, max: Math.min(schema.maximum, 2 ** 31 - 1) })
  if (type === 'null') return fc.constant(null)
  if (type === 'array') {
    return fc.uniqueArray(valuesOf(schema.items), {
      minLength: Math.max(1, schema.minItems),
      maxLength: Math.min(schema.maxItems, 3),
      // A list names each job once, which no schema can say.
      selector: (item) => JSON.stringify(WithId.safeParse(item).data?.id ?? item),
    })
  }
  if (type !== 'object') return fc.jsonValue()
  return fc.record(Object.fromEntries(schema.required.map((name) => [name, valuesOf(schema.properties[name])])))
}

function textsOf({ pattern, format, minLength, maxLength }: z.output<typeof Schema>): fc.Arbitrary<string> {
  if (format === 'date-time') return times.map((time) => time.toISOString())
  if (format === 'job-id') return fc.integer({ min: 1 }).map(String)
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern))
  return fc.string({ unit: letters, minLength: Math.max(1, minLength), maxLength: Math.min(maxLength, 20) })
}
