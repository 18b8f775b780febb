import * as z from 'zod'

const Schema: z.ZodType<Schema> = z.lazy(() =>
  z.object({
    $ref: z.string().optional(),
    type: z.union([z.string(), z.array(z.string())]).optional(),
    format: z.string().optional(),
    enum: z.array(z.unknown()).optional(),
    const: z.unknown().optional(),
    items: Schema.optional(),
    properties: z.record(z.string(), Schema).optional(),
    additionalProperties: z.union([z.boolean(), Schema]).optional(),
    required: z.array(z.string()).optional(),
    anyOf: z.array(Schema).optional(),
    oneOf: z.array(Schema).optional(),
    allOf: z.array(Schema).optional(),
  }),
)
interface Schema {
  $ref?: string | undefined
  type?: string | string[] | undefined
  format?: string | undefined
  enum?: unknown[] | undefined
  const?: unknown
  items?: Schema | undefined
  properties?: Record<string, Schema> | undefined
  additionalProperties?: boolean | Schema | undefined
  required?: string[] | undefined
  anyOf?: Schema[] | undefined
  oneOf?: Schema[] | undefined
  allOf?: Schema[] | undefined
}

const Content = z.record(z.string(), z.object({ schema: Schema.optional() }))
const Parameter = z.object({
  $ref: z.string().optional(),
  name: z.string().default(''),
  in: z.string().default(''),
  required: z.boolean().default(false),
  schema: Schema.optional(),
})
const Operation = z.object({
  parameters: z.array(Parameter).default([]),
  requestBody: z.object({ content: Content }).optional(),
  responses: z.record(z.string(), z.object({ content: Content.optional() })),
})

/** The parts of an OpenAPI document that decide whether a client goes on working. */
export const OpenApi = z.object({
  paths: z.record(z.string(), z.record(z.string(), Operation)),
  components: z.object({ schemas: z.record(z.string(), Schema), parameters: z.record(z.string(), Parameter) }),
})
export type OpenApi = z.output<typeof OpenApi>

/**
 * Each field of each call with its type, a line each: `>` is what a client sends, `optional` where it may leave the field out; `<` is
 * what it gets, `always` where every answer has the field.
 */
export function fieldsOf({ paths, components }: OpenApi): string[] {
  const lines: string[] = []
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const call = `api ${method.toUpperCase()} ${path}`
      lines.push(call)
      for (const parameter of operation.parameters) {
        const { name, in: where, required, schema = {} } = found(parameter, components.parameters)
        if (name)
          lines.push(
            ...linesOf({ schema, at: `${call} > ${where}:${name}`, mark: required ? '' : ' optional' }, components),
          )
      }
      const walk = (content: z.output<typeof Content>, at: string) => {
        for (const { schema } of Object.values(content))
          if (schema) lines.push(...linesOf({ schema, at, mark: '' }, components))
      }
      walk(operation.requestBody?.content ?? {}, `${call} >`)
      for (const [status, { content }] of Object.entries(operation.responses))
        if (status.startsWith('2')) walk(content ?? {}, `${call} <`)
    }
  }
  return [...new Set(lines)]
}

const found = <Named extends { $ref?: string | undefined }>(one: Named, all: Record<string, Named>): Named =>
  one.$ref === undefined ? one : (all[one.$ref.split('/').at(-1) ?? ''] ?? one)

interface Place {
  schema: Schema
  at: string
  mark: string
}

const isJobId = ({ format }: Schema): boolean => format === 'job-id'

/** A server with a table of its own sends and takes numbers as ids of jobs; texts stand for jobs of other engines. */
const typesOf = (schema: Schema): string[] => {
  const types = [schema.type ?? []].flat()
  return isJobId(schema) ? types.slice(0, 1) : types
}

function linesOf({ schema: given, at, mark }: Place, components: OpenApi['components'], depth = 0): string[] {
  const schema = found(given, components.schemas)
  if (depth > 12) return []
  const below = (part: Schema, where: string, how = '') =>
    linesOf({ schema: part, at: where, mark: how }, components, depth + 1)
  const isAnswer = / <( |$|\.|\[)/.test(at)
  const unions = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])].map((one) =>
    found(one, components.schemas),
  )
  const isOrNull = unions.some(isJobId)
  const type = typesOf(isOrNull ? { type: unions.flatMap(typesOf) } : schema)
    .toSorted()
    .join('|')
  const join = (name: string) => (/ [<>]$/.test(at) ? `${at} ${name}` : `${at}.${name}`)
  return [
    ...(type && type !== 'object' ? [`${at} ${type}${mark}`] : []),
    ...[...(schema.enum ?? []), ...(schema.const === undefined ? [] : [schema.const])].map(
      (one) => `${at} = ${JSON.stringify(one)}`,
    ),
    ...(isOrNull ? [] : unions).flatMap((part) => below(part, at, mark)),
    ...(schema.items ? below(schema.items, `${at}[]`) : []),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, part]) => {
      const isRequired = schema.required?.includes(name) ?? false
      return below(part, join(name), isAnswer ? (isRequired ? ' always' : '') : isRequired ? '' : ' optional')
    }),
    ...(typeof schema.additionalProperties === 'object' ? below(schema.additionalProperties, join('*')) : []),
  ]
}
