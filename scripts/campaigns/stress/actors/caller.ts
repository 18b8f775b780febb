import { Agent, request } from 'undici'
import type { z } from 'zod'
import type { Endpoint } from '../../../../shared/endpoint.ts'
import { FailureBody } from '../../../../shared/failure-body.ts'
import type { Journal } from '../journal.ts'
import type { Random } from '../random.ts'

/** The key of the servers of a run. */
export const apiKey = 'stress'

export interface Answer<Body> {
  /** The id under which the server records what this call did. */
  request: string
  /** The answer's body; undefined for a refusal, and for a call without an answer. */
  body?: Body
  /** The code of a refusal. */
  code?: string
  /** True when nobody can tell whether the call did anything. */
  unanswered: boolean
}

interface Options {
  /** The caller chose it, so that it can be written down before the call. */
  request?: string
  /** Hangs up. */
  signal?: AbortSignal
}

type Call = <In extends z.ZodType, Out extends z.ZodType>(
  endpoint: Endpoint<In, Out>,
  input: z.input<In>,
  options?: Options,
) => Promise<Answer<z.output<Out>>>

/** Calls the servers in turn, and writes down how each call ended. */
export interface Caller {
  call: Call
  /** An id for a request that is still to be made. */
  nextRequest: () => string
  close: () => Promise<void>
}

interface CallerOptions {
  name: string
  servers: readonly string[]
  journal: Journal
  random: Random
}

export function createCaller({ name, servers, journal, random }: CallerOptions): Caller {
  const dispatcher = new Agent({ connections: 64 })
  let made = 0
  const nextRequest = () => `${name}:${++made}`

  const call: Call = async (endpoint, input, { request: id = nextRequest(), signal } = {}) => {
    const server = random.pick(servers)
    const began = Date.now()
    const end = (outcome: number | 'hung up' | 'broken', more: { code?: string | undefined; detail?: string } = {}) =>
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
    const { url, body } = placed(endpoint, input)
    try {
      const answer = await request(`${server}${url}`, {
        method: endpoint.method,
        dispatcher,
        headers: { 'x-api-key': apiKey, 'x-request-id': id, 'x-confirm': 'true', ...(body && json) },
        ...(body && { body }),
        ...(signal && { signal }),
      })
      const received: unknown = await answer.body.json()
      if (answer.statusCode < 300) {
        end(answer.statusCode)
        return { request: id, body: endpoint.output.parse(received), unanswered: false }
      }
      const { code = 'none', detail } = FailureBody.parse(received)
      end(answer.statusCode, { code, detail: JSON.stringify(detail) })
      return { request: id, code, unanswered: code === 'outcome_unknown' }
    } catch (error) {
      if (signal?.aborted) end('hung up')
      else if (isBroken(error)) end('broken', { detail: String(error) })
      else throw error
      return { request: id, unanswered: true }
    }
  }
  return { call, nextRequest, close: () => dispatcher.close() }
}

const json = { 'content-type': 'application/json' }

/** The fields of an input where the operation has them: in the path, in the query, or in the body. */
function placed(endpoint: Endpoint, input: unknown): { url: string; body?: string } {
  const fields = new Map(Object.entries(Object(input)))
  const url = endpoint.path.replaceAll(/:(\w+)/g, (_, field: string) => {
    const value = fields.get(field)
    fields.delete(field)
    return String(value)
  })
  if (endpoint.method === 'POST') return { url, body: JSON.stringify(Object.fromEntries(fields)) }
  return {
    url: `${url}?${new URLSearchParams([...fields].map(([name, value]): [string, string] => [name, String(value)]))}`,
  }
}

const broken = ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_CLOSED']

const isBroken = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && broken.includes(String(error.code))
