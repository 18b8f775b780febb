import * as z from 'zod'

/** A JSON schema of the draft 2020-12, which is the one of OpenAPI 3.1. */
export type JsonSchema = Record<string, unknown>

/** A schema of an object, as far as this folder looks into it. */
const ObjectSchema = z.looseObject({
  properties: z.record(z.string(), z.record(z.string(), z.unknown())),
  required: z.array(z.string()).default([]),
})
export type ObjectSchema = z.output<typeof ObjectSchema>

/** True for a pattern that says nothing more: of times, it repeats `date-time` in 300 characters; of numbers in a query, that they are digits. */
const isPatternVain = ({ format, type }: JsonSchema) => format === 'date-time' || type === 'integer'

/**
 * What a caller may send. Zod gives the first step of a field that is parsed in steps: a text, where the last step is one of a few
 * words; the words are what a caller needs.
 */
export const sentSchema = (schema: z.ZodType): JsonSchema =>
  schemaOf(schema, 'input', ({ zodSchema, jsonSchema }) => {
    const last = zodSchema instanceof z.ZodPipe ? zodSchema.out : undefined
    if (last instanceof z.ZodEnum) Object.assign(jsonSchema, { type: 'string', enum: last.options })
  })

/** The input of a call, which is an object. */
export const inputSchema = (schema: z.ZodType): ObjectSchema => ObjectSchema.parse(sentSchema(schema))

/** What the server answers. It may add fields in a later version, so that a reader ignores those which it does not know. */
export const outputSchema = (schema: z.ZodType): JsonSchema =>
  schemaOf(schema, 'output', ({ jsonSchema }) => {
    // A record keeps what its values are.
    if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties
  })

type Override = NonNullable<NonNullable<Parameters<typeof z.toJSONSchema>[1]>['override']>

function schemaOf(schema: z.ZodType, io: 'input' | 'output', override: Override): JsonSchema {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: (context) => {
      override(context)
      if (isPatternVain(context.jsonSchema)) delete context.jsonSchema.pattern
    },
  })
  return json
}
