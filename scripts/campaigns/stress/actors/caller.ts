import { Agent, request } from 'undici'
import type { z } from 'zod'
import type { Endpoint } from '../../../../shared/endpoint.ts'
import { problemOf } from '../../../../shared/problem.ts'
import { apiKey } from '../../../launch/server.ts'
import type { Journal } from '../journal.ts'
import type { Random } from '../random.ts'

/** The result of a call. */
export interface CallResult<Body> {
  /** The request id, which the events and the record of the call have too. */
  request: string
  /** The body of a response with a status below 300. */
  body?: Body
  /** The error code of a response with a status of 300 or above. */
  code?: string
  /** True when the call may or may not have changed the database. */
  unknownOutcome: boolean
}

interface Options {
  /** The request id, when the journal needs it before the call. Otherwise the caller makes one. */
  request?: string
  /** Aborts the request and closes its connection. */
  signal?: AbortSignal
}

type Call = <In extends z.ZodType, Out extends z.ZodType>(
  endpoint: Endpoint<In, Out>,
  input: z.input<In>,
  options?: Options,
) => Promise<CallResult<z.output<Out>>>

/** An HTTP client that sends each call to a random server and writes its outcome to the journal. It does not retry. */
export interface Caller {
  call: Call
  /** Returns an unused request id. */
  nextRequest: () => string
  close: () => Promise<void>
}

interface CallerOptions {
  /** The prefix of request ids, which no other caller of the run has. */
  name: string
  /** The base URLs of the servers. */
  servers: readonly string[]
  journal: Journal
  random: Random
}

/**
 * Creates a client. Its calls throw only when a response does not have the shape of the endpoint, or after an unknown
 * error.
 */
export function createCaller({ name, servers, journal, random }: CallerOptions): Caller {
  const dispatcher = new Agent({ connections: 64 })
  let callCount = 0
  const nextRequest = () => `${name}:${++callCount}`

  const call: Call = async (endpoint, input, { request: id = nextRequest(), signal } = {}) => {
    const server = random.pick(servers)
    const began = Date.now()
    const end = (outcome: number | 'aborted' | 'broken', more: { code?: string | undefined; detail?: string } = {}) =>
      journal.write({
        kind: 'call',
        request: id,
        path: endpoint.path,
        server,
        began,
        ended: Date.now(),
        outcome,
        ...more,
      })
    const { url, body } = buildRequest(endpoint, input)
    try {
      const response = await request(`${server}${url}`, {
        method: endpoint.method,
        dispatcher,
        headers: { 'x-api-key': apiKey, 'x-request-id': id, 'x-confirm': 'true', ...(body && json) },
        ...(body && { body }),
        ...(signal && { signal }),
      })
      const received: unknown = await response.body.json()
      if (response.statusCode < 300) {
        end(response.statusCode)
        return { request: id, body: endpoint.output.parse(received), unknownOutcome: false }
      }
      const { code = 'none', detail } = problemOf(received)
      end(response.statusCode, { code, detail: JSON.stringify(detail) })
      return { request: id, code, unknownOutcome: code === 'outcome_unknown' }
    } catch (error) {
      if (signal?.aborted) end('aborted')
      else if (isConnectionError(error)) end('broken', { detail: String(error) })
      else throw error
      return { request: id, unknownOutcome: true }
    }
  }
  return { call, nextRequest, close: () => dispatcher.close() }
}

const json = { 'content-type': 'application/json' }

/** Puts the fields of the input into the path, the query or the JSON body, as the endpoint has them. */
export function buildRequest(endpoint: Endpoint, input: unknown): { url: string; body?: string } {
  const fields = new Map(Object.entries(Object(input)))
  const url = endpoint.path.replaceAll(/:(\w+)/g, (_, field: string) => {
    const value = fields.get(field)
    fields.delete(field)
    return String(value)
  })
  if (endpoint.method === 'POST') return { url, body: JSON.stringify(Object.fromEntries(fields)) }
  const query = new URLSearchParams([...fields].map(([name, value]): [string, string] => [name, String(value)]))
  return { url: `${url}?${query}` }
}

const connectionErrors = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_CLOSED']

const isConnectionError = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && connectionErrors.includes(String(error.code))
