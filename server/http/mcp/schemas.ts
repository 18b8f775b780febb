import * as z from 'zod'
import { isWithheld, type Shape } from '../agents/shape.ts'
import { shapeFor } from '../agents/view.ts'
import openApi from '../openapi.json' with { type: 'json' }
import { proposedKinds, type Tool } from './tools.ts'
import { warningsSchema } from './warnings.ts'

/** A JSON schema, as far as tools make one. */
export type JsonSchema = Readonly<Record<string, unknown>>

/** What both kinds of tools take of the document of the API. */
const Schema = z.looseObject({ $ref: z.string().optional(), description: z.string().optional() })
const Parameter = z.object({
  name: z.string(),
  in: z.enum(['path', 'query']),
  required: z.boolean().default(false),
  description: z.string().optional(),
  schema: Schema,
})
const Body = z.object({
  content: z.object({
    'application/json': z.object({
      schema: z.looseObject({ properties: z.record(z.string(), Schema), required: z.array(z.string()).optional() }),
    }),
  }),
})
const Operation = z.object({ parameters: z.array(z.unknown()).default([]), requestBody: Body.optional() })
const Document = z.object({
  paths: z.record(z.string(), z.record(z.string(), Operation)),
  components: z.object({ schemas: z.record(z.string(), Schema) }),
})

const document = Document.parse(openApi)

const operationAt = (method: string, path: string) =>
  document.paths[path.replaceAll(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()] ?? Operation.parse({})

const parametersOf = (method: string, path: string) =>
  operationAt(method, path).parameters.flatMap((one) => Parameter.safeParse(one).data ?? [])

/** A schema with what it refers to in place. */
const whole = (schema: z.output<typeof Schema>): JsonSchema => {
  const resolved = JSON.stringify(schema, (_name, value: unknown) => {
    const reference = z.object({ $ref: z.string() }).safeParse(value).data?.$ref
    return reference === undefined
      ? value
      : document.components.schemas[reference.slice(reference.lastIndexOf('/') + 1)]
  })
  return Schema.parse(JSON.parse(resolved))
}

/** Fields of endpoints that tools set by themselves. */
const own = new Set(['limit', 'cursor', 'before_id'])

/** The most rows of an answer, and how many there are where a call does not say. */
export const mostRows = 100
export const fewRows = 50

const rowFields = {
  limit: { type: 'integer', minimum: 1, maximum: mostRows, default: fewRows, description: 'at most this many rows' },
  cursor: { type: 'string', description: 'next_cursor of the answer before: the rows after it' },
}

/** What a tool takes, from the document of the endpoints that it calls. */
export function inputSchema(tool: Tool): JsonSchema {
  if (tool.change) return changeInput(tool.change)
  // Calls beside the first one take no field.
  const parameters = tool.calls
    .slice(0, 1)
    .flatMap(({ endpoint, fixed = {} }) =>
      parametersOf(endpoint.method, endpoint.path).filter(
        ({ name }) => !own.has(name) && !Object.hasOwn(fixed, name) && !tool.without?.includes(name),
      ),
    )
  const fields = parameters.map(({ name, schema, description }): [string, JsonSchema] => [
    name,
    { ...whole(schema), ...(description !== undefined && { description }) },
  ])
  return {
    type: 'object',
    properties: { ...Object.fromEntries(fields), ...(tool.rows && rowFields) },
    required: parameters.filter(({ required }) => required).map(({ name }) => name),
    additionalProperties: false,
  }
}

/** Fields of changes that a plan does not take, or an agent may not use. */
const notProposed: ReadonlySet<string> = new Set(
  'dry_run preview_token rate until payload error detail_top_k include_kept fix worker_prefix'.split(' '),
)

/** The fields of all kinds of changes: which of them a kind takes is decided by its endpoint. */
function changeInput(change: 'preview' | 'proposal'): JsonSchema {
  const fields = new Map<string, { schema: JsonSchema; kinds: string[] }>()
  for (const [kind, path] of proposedKinds) {
    const { requestBody } = operationAt('post', path)
    const inPath = parametersOf('post', path).filter((one) => one.in === 'path')
    const inBody = Object.entries(requestBody?.content['application/json'].schema.properties ?? {})
    const all = [...inPath.map((one): [string, z.output<typeof Schema>] => [one.name, one.schema]), ...inBody]
    for (const [name, schema] of all) {
      if (notProposed.has(name)) continue
      const known = fields.get(name)
      fields.set(name, { schema: known?.schema ?? whole(schema), kinds: [...(known?.kinds ?? []), kind] })
    }
  }
  const filter = [...fields].map(([name, { schema, kinds }]): [string, JsonSchema] => {
    const of = kinds.length > proposedKinds.size / 2 ? '' : ` (of ${kinds.join(', ')})`
    const { description } = Schema.parse(schema)
    return [name, { ...schema, description: `${description ?? name}${of}` }]
  })
  return {
    type: 'object',
    properties: {
      kind: { type: 'string', enum: [...proposedKinds.keys()], description: 'what the change does' },
      filter: {
        type: 'object',
        properties: Object.fromEntries(filter),
        additionalProperties: false,
        description:
          'which jobs, and how: the fields of the change, those of list_jobs among them; an undo takes the id of the operation; limit makes the change in two parts, so that a person sees the first jobs run before the others',
      },
      ...(change === 'proposal' && {
        reason: {
          type: 'string',
          minLength: 1,
          maxLength: 500,
          description:
            'why the change is to be made: the cause that was found, and what was looked at, for the person who decides',
        },
        digest: {
          type: 'string',
          description: 'digest of the preview: no plan is made where the change would touch other counts by now',
        },
      }),
    },
    required: ['kind', 'filter', ...(change === 'proposal' ? ['reason'] : [])],
    additionalProperties: false,
  }
}

const nullable = (type: string): JsonSchema => ({ type: [type, 'null'] })
const untrusted: JsonSchema = {
  type: ['object', 'null'],
  properties: { untrusted_text: { type: 'string' } },
  required: ['untrusted_text'],
  additionalProperties: false,
}

/** The JSON schema of what a shape lets through. */
function givenSchema(shape: Shape): JsonSchema {
  if (shape.is === 'object') {
    const fields = [...shape.fields].flatMap(([name, field]): [string, JsonSchema][] =>
      isWithheld(field) ? [] : [[name, givenSchema(field)]],
    )
    return { type: ['object', 'null'], properties: Object.fromEntries(fields), additionalProperties: false }
  }
  if (shape.is === 'array') return { type: ['array', 'null'], items: givenSchema(shape.item) }
  if (shape.is === 'numbers') return { type: ['object', 'null'], additionalProperties: { type: 'number' } }
  if (shape.is === 'given') return { type: ['number', 'boolean', 'string', 'null'] }
  if (shape.is === 'time') return nullable('string')
  if (shape.treatment === 'text') return untrusted
  if (shape.treatment === 'open') return { type: ['object', 'array', 'null'] }
  if (shape.treatment === 'id') return { type: ['integer', 'string', 'array', 'null'] }
  return { type: ['string', 'array', 'null'] }
}

/** What a tool answers. A list that was shortened is named in `left_out`, and domains whose jobs it is not about in `other_domains`. */
export function outputSchema(tool: Tool, added: ReadonlySet<string>): JsonSchema {
  const parts = tool.calls.map(({ as, endpoint }) => {
    const given = givenSchema(shapeFor(endpoint, added))
    return as === undefined ? z.object({ properties: Properties }).parse(given).properties : { [as]: given }
  })
  const decided = { type: 'object', additionalProperties: { type: 'string' } }
  return {
    type: 'object',
    properties: {
      as_of: { type: 'string', format: 'date-time' },
      ...(tool.warns && { warnings: warningsSchema(untrusted) }),
      ...Object.assign({}, ...parts),
      ...(tool.rows && { next_cursor: { type: 'string' } }),
      ...(tool.change === 'proposal' && { page: { type: 'string' }, commands: decided }),
      left_out: { type: 'object', additionalProperties: { type: 'integer' } },
      other_domains: { type: 'array', items: { type: 'string' } },
    },
    required: ['as_of'],
    additionalProperties: false,
  }
}

const Properties = z.record(z.string(), z.unknown())
