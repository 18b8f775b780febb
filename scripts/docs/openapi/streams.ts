import type { Stream } from '../../../shared/endpoint.ts'
import { eventStream, statsStream } from '../../../shared/endpoints.ts'
import { meaningOf, roomOf } from '../api/calls.ts'
import { firstSentence, withMeanings } from './operation.ts'
import { inputSchema, type JsonSchema } from './schemas.ts'

/** A call that is no endpoint: a stream or a probe. */
interface OtherCall {
  path: string
  operation: JsonSchema
}

/** The streams of server-sent events. */
export const streams = (): OtherCall[] => [
  { path: eventStream.path, operation: streamOf('eventStream', eventStream) },
  { path: statsStream.path, operation: streamOf('statsStream', statsStream) },
]

function streamOf(id: string, { meaning: given, input }: Stream): JsonSchema {
  const meaning = meaningOf(id, given)
  const summary = firstSentence(meaning)
  return {
    operationId: id,
    tags: [roomOf(id)],
    summary,
    description: meaning.slice(summary.length).trim(),
    parameters: Object.entries(withMeanings(id, inputSchema(input))).map(([name, { description, ...schema }]) => ({
      ...{ name, in: 'query', required: false, description },
      schema,
    })),
    responses: {
      '200': { description: 'The stream.', content: { 'text/event-stream': { schema: { type: 'string' } } } },
      default: { $ref: '#/components/responses/Problem' },
    },
  }
}

/** @param more fields of the answer beside `status` */
const probe = (id: string, summary: string, more: JsonSchema = {}): JsonSchema => ({
  operationId: id,
  tags: ['server'],
  summary,
  security: [],
  responses: {
    '200': {
      description: 'It is.',
      content: {
        'application/json': { schema: { type: 'object', properties: { status: { type: 'string' }, ...more } } },
      },
    },
    default: { $ref: '#/components/responses/Problem' },
  },
})

/** The calls without credentials. */
export const probes: OtherCall[] = [
  { path: '/healthz', operation: probe('healthz', 'Whether the process is up.') },
  {
    path: '/readyz',
    operation: probe('readyz', 'Whether the database is reached, is no replica and has its tables.', {
      frozen: { type: 'boolean', description: 'True while changes are refused.' },
      cloned: { type: 'boolean', description: 'True while nobody has said what a copied database is.' },
    }),
  },
  {
    path: '/openapi.json',
    operation: {
      operationId: 'openApi',
      tags: ['server'],
      summary: 'This document.',
      security: [],
      responses: {
        '200': {
          description: 'The document.',
          content: { 'application/json': { schema: { type: 'object', additionalProperties: true } } },
        },
      },
    },
  },
]
