import type { Endpoint } from '../../../shared/endpoint.ts'
import type { EndpointName } from '../../../shared/endpoint-names.ts'
import { headers, maxReasonLength, ndjson, returnMinimal } from '../../../shared/headers.ts'
import { all, meaningOf, minimalMeaning, names, roomOf, typeName } from '../api/calls.ts'
import { withRefs } from './components.ts'
import { examples } from './examples.ts'
import { inputSchema, type JsonSchema, type ObjectSchema, outputSchema } from './schemas.ts'

/** Names in a path as OpenAPI writes them: `/jobs/{id}`. */
export const pathOf = (path: string): string => path.replaceAll(/:(\w+)/g, '{$1}')

const ref = (kind: 'parameters' | 'responses' | 'schemas', name: string) => ({ $ref: `#/components/${kind}/${name}` })

/** One call of an endpoint. `id` is its name, with a number for another path of the same endpoint. */
export function operationOf(name: EndpointName, endpoint: Endpoint, id: string): JsonSchema {
  const input = inputSchema(endpoint.input)
  const fields = withMeanings(name, input)
  const meaning = meaningOf(name, endpoint.meaning)
  const inBody = Object.entries(fields).filter(([field]) => placeOf(endpoint, field) === 'body')
  return {
    operationId: id,
    tags: [roomOf(name)],
    summary: firstSentence(meaning),
    description: descriptionOf(name, meaning, fields),
    parameters: [
      ...Object.entries(fields).flatMap(([field, schema]) => parameterOf(endpoint, { field, schema, input })),
      ...headersOf(endpoint),
    ],
    ...(endpoint.method !== 'GET' && { requestBody: bodyOf(name, { properties: Object.fromEntries(inBody), input }) }),
    ...(endpoint.anonymous && { security: [] }),
    responses: responsesOf(name, endpoint),
  }
}

/** With the filter that is no parameter, since the caller chooses its name. */
const descriptionOf = (name: EndpointName, meaning: string, { payload }: Record<string, JsonSchema>): string =>
  name === 'listJobs' ? `${meaning} In the query also: ${payload?.description}` : meaning

export const firstSentence = (text: string): string => /^.*?[.](?= |$)/.exec(text)?.[0] ?? text

/** The fields of an input, each with its meaning as its last member. */
export const withMeanings = (name: string, { properties }: ObjectSchema): Record<string, JsonSchema> =>
  Object.fromEntries(
    Object.entries(properties).map(([field, { description, ...schema }]) => [
      field,
      { ...schema, description: meaningOf(`${name}.${field}`, description) },
    ]),
  )

function placeOf({ method, path, query = [] }: Endpoint, field: string): 'path' | 'query' | 'body' {
  if (path.split('/').includes(`:${field}`)) return 'path'
  return method === 'GET' || query.includes(field) ? 'query' : 'body'
}

interface FieldOf {
  field: string
  schema: JsonSchema
  input: ObjectSchema
}

function parameterOf(endpoint: Endpoint, { field, schema: { description, ...schema }, input }: FieldOf): JsonSchema[] {
  const place = placeOf(endpoint, field)
  if (place === 'body') return []
  const required = place === 'path' || input.required.includes(field)
  // OpenAPI has no parameter whose name is chosen by the caller, such as `payload.<path>`.
  if (field === 'payload') return []
  // A list is one text with commas.
  if (endpoint.keyed !== undefined && field === 'id') return [idParameter(endpoint, { description, schema })]
  return [{ name: field, in: place, required, description, schema, ...(schema.type === 'array' && { explode: false }) }]
}

/** The id of a job: a number or a uuid in the path, and any id as `key` in the query. */
const idParameter = (
  { path, keyed }: Endpoint,
  { description, schema }: { description: unknown; schema: JsonSchema },
) =>
  path === keyed
    ? { name: 'key', in: 'query', required: true, description: `${description}, its uuid or its key`, schema }
    : { name: 'id', in: 'path', required: true, description: `${description}, or its uuid`, schema }

function headersOf({ method, bulk, unconfirmed, anonymous, minimal, readAt }: Endpoint): JsonSchema[] {
  const ofChange = method === 'GET' ? [] : ['Reason']
  const ofBulk = bulk ? ['Emergency', 'IdempotencyKey', 'Prefer'] : []
  return [
    ...((bulk || anonymous) && method !== 'GET' && !unconfirmed ? ['Confirm'] : []),
    ...ofChange,
    ...ofBulk,
    ...(minimal ? ['PreferMinimal'] : []),
    ...(readAt ? ['StaleOk'] : []),
    'RequestId',
  ].map((header) => ref('parameters', header))
}

interface Body {
  properties: Record<string, JsonSchema>
  input: ObjectSchema
}

function bodyOf(name: EndpointName, { properties, input }: Body): JsonSchema {
  const isWhole = Object.keys(properties).length === Object.keys(input.properties).length
  const named = isWhole ? withRefs(input) : {}
  const needed = input.required.filter((field) => Object.hasOwn(properties, field))
  const schema = {
    type: 'object',
    properties: Object.fromEntries(Object.entries(properties).map(([field, one]) => [field, withRefs(one)])),
    ...(needed.length > 0 && { required: needed }),
    additionalProperties: input.additionalProperties,
  }
  const example = exampleOf(examples[name]?.request)
  return { required: true, content: { 'application/json': { schema: '$ref' in named ? named : schema, ...example } } }
}

const exampleOf = (example: unknown) => (example === undefined ? {} : { example })

const outputOf = (name: EndpointName): JsonSchema => withRefs(outputSchema(all[name].output))

/** The schema of an answer refers to one that has a name, or to that of the call. */
const answerOf = (name: EndpointName): JsonSchema => {
  const schema = outputOf(name)
  return '$ref' in schema ? schema : ref('schemas', `${typeName(name)}Output`)
}

/** The answers that have the names of their calls. */
export const answersByName = (): Record<string, JsonSchema> =>
  Object.fromEntries(
    names
      .map((name) => [`${typeName(name)}Output`, outputOf(name)] as const)
      .filter(([, schema]) => !('$ref' in schema)),
  )

function responsesOf(name: EndpointName, { bulk, progress, created, input }: Endpoint): JsonSchema {
  const json = { 'application/json': { schema: answerOf(name), ...exampleOf(examples[name]?.response) } }
  const lines = { [ndjson]: { schema: ref('schemas', 'ProgressLine') } }
  const content = progress ? lines : { ...json, ...(bulk && lines) }
  return {
    '200': { description: 'The result.', content },
    ...(created && { '201': { description: 'The result, which this call made.', content } }),
    ...(bulk && { '202': ref('responses', 'Accepted') }),
    ...(Object.keys(inputSchema(input).properties).length > 0 && { '422': ref('responses', 'Invalid') }),
    default: ref('responses', 'Problem'),
  }
}

/** Headers of requests that several calls take. */
export const headerParameters: JsonSchema = {
  Confirm: {
    ...{ name: headers.confirm, in: 'header' },
    description: '`true` confirms the change. A dry run needs no confirmation.',
    schema: { type: 'string' },
  },
  Reason: {
    ...{ name: headers.reason, in: 'header' },
    description: 'Why, in UTF-8. It is kept with the record of a bulk change.',
    schema: { type: 'string', maxLength: maxReasonLength },
  },
  Emergency: {
    ...{ name: headers.emergency, in: 'header' },
    description: '`true` goes past the approval that the change needs. It takes the right `break_glass`, and a reason.',
    schema: { type: 'string' },
  },
  IdempotencyKey: {
    ...{ name: headers.idempotencyKey, in: 'header' },
    description: 'The same key and body from the same caller is answered as the first time, and changes nothing again.',
    schema: { type: 'string', maxLength: 256 },
  },
  Prefer: {
    ...{ name: 'Prefer', in: 'header' },
    description:
      '`respond-async`: the response is a 202 before the change has ended, and the change goes on without its caller.',
    schema: { type: 'string' },
  },
  PreferMinimal: {
    ...{ name: 'Prefer', in: 'header' },
    description: `\`${returnMinimal}\`: ${minimalMeaning}`,
    schema: { type: 'string' },
  },
  StaleOk: {
    ...{ name: headers.staleOk, in: 'header' },
    description: `\`true\` takes an answer of a few seconds ago, so that a list or a job may be read at a replica. \`${headers.readFrom}\` of the response says where it was read, and everything that was committed before \`${headers.asOf}\` is in it.`,
    schema: { type: 'string' },
  },
  RequestId: {
    ...{ name: headers.requestId, in: 'header' },
    description: 'The own id of the caller for this call. Each response has it, or a new id.',
    schema: { type: 'string' },
  },
}
