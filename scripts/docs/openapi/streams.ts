import type * as z from 'zod'
import { eventStream, statsStream } from '../../../shared/endpoints.ts'
import { meaningOf } from '../field-meanings.ts'
import { inputSchema, type JsonSchema } from './schemas.ts'

/** A call that is no endpoint: a stream or a probe. */
interface OtherCall {
  path: string
  operation: JsonSchema
}

/** The streams of server-sent events. */
export const streams = (): OtherCall[] => [
  {
    path: eventStream.path,
    operation: streamOf('eventStream', eventStream.input, {
      summary: 'The events as server-sent events.',
      description: 'From `after_id`, or after the `Last-Event-ID` of a stream that broke off.',
    }),
  },
  {
    path: statsStream.path,
    operation: streamOf('statsStream', statsStream.input, {
      summary: 'The stats as server-sent events, at most one message a second.',
      description: 'A stream begins with a message `full`, and goes on with messages `changes`.',
    }),
  },
]

function streamOf(id: string, input: z.ZodType, about: { summary: string; description: string }): JsonSchema {
  const { properties } = inputSchema(input)
  const names = Object.keys(properties)
  return {
    operationId: id,
    ...about,
    parameters: names.map((name) => ({
      ...{ name, in: 'query', required: false, description: meaningOf('events', name, names) },
      schema: properties[name],
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
