import { randomUUID } from 'node:crypto'
import type { Dispatcher } from 'undici'
import request from 'undici/lib/api/api-request.js'
import Agent from 'undici/lib/dispatcher/agent.js'
import type { z } from 'zod'
import { Failure, failures } from '../shared/errors.ts'
import { headers } from '../shared/headers.ts'
import type { Operation } from '../shared/operation.ts'
import { failureOfAnswer, failureOfConnection, type Received } from './answer.ts'
import { queryOf } from './query.ts'
import { retrying } from './retry.ts'
import type { Settings } from './settings.ts'
import type { Target } from './target.ts'
import type { Trace } from './trace.ts'

interface CallOptions {
  /** What was confirmed by a person or by `--yes`: only the guard passes it. */
  confirmed?: boolean
  /** The reference time of the preview to go by. */
  asOf?: string | undefined
}

export interface Answer<T> {
  body: T
  /** The answer as the server sent it. */
  raw: unknown
  /** The reference time of a preview; a server that sends none knows no `max`. */
  asOf: string | undefined
}

export interface Client {
  target: Target
  call: <In extends z.ZodType, Out extends z.ZodType>(
    op: Operation<In, Out>,
    input: z.input<In>,
    options?: CallOptions,
  ) => Promise<Answer<z.output<Out>>>
  /** GET of a path beside the operations, such as `/healthz`: the status and the answer's headers. */
  probe: (path: string) => Promise<{ status: number; headers: Record<string, unknown> }>
}

interface ClientOptions {
  target: Target
  settings: Settings
  trace: Trace
  signal: AbortSignal
}

/** Calls one server, within one deadline for all calls together; the time a person thinks does not count. */
export function createClient({ target, settings, trace, signal }: ClientOptions): Client {
  let spent = 0
  const left = () => settings.timeoutMs - spent
  const dispatcher = new Agent({ headersTimeout: 0, bodyTimeout: 0, connect: { timeout: settings.timeoutMs } })

  async function timed(sent: Sent): Promise<Received> {
    const start = performance.now()
    try {
      return await send({ ...sent, target, dispatcher, trace, signal, timeoutMs: left(), wholeMs: settings.timeoutMs })
    } finally {
      spent += performance.now() - start
    }
  }

  return {
    target,
    async call(op, input, { confirmed = false, asOf } = {}) {
      const changing = op.changes(op.input.parse(input))
      if (!target.credential) throw noCredential(target)
      const { reason } = settings
      const sent = sentBy(op, input, { asOf, ...(changing && { reason, confirmed }) })
      const attempt = async () => {
        const received = await timed({ ...sent, changing })
        if (received.status >= 300) throw failureOfAnswer(received, target)
        return received
      }
      const received = await retrying(attempt, {
        retries: settings.retries,
        worthRepeating: changing ? neverArrived : mayPass,
        left,
        signal,
      })
      const read = op.output.safeParse(received.json)
      if (!read.success) throw unexpected(target, received)
      return { body: read.data, raw: received.json, asOf: received.header(headers.asOf) }
    },
    async probe(path) {
      const { status, headers } = await timed({ method: 'GET', path, query: '', headers: {}, changing: false })
      return { status, headers }
    },
  }
}

const neverArrived = ({ cause }: Failure): boolean =>
  cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED'

/** All that is for lack of a server, but for the deadline: nothing is left after that. */
const mayPass = ({ code }: Failure): boolean => failures[code].exit === 'unavailable' && code !== 'timed_out'

function noCredential({ url, from }: Target): Failure {
  return new Failure('unauthenticated', `there is no key for ${url.origin} (${from})`, {
    hint: 'set JOBSCTL_API_KEY beside JOBSCTL_URL, or give --api-key-file; jobsctl help config tells all ways',
  })
}

const unexpected = ({ url }: Target, { header }: Received): Failure =>
  new Failure('unexpected_answer', `${url.origin} answered what jobsctl does not understand`, {
    hint: 'is this the root of a jobs server? jobsctl doctor looks closer',
    requestId: header(headers.requestId),
    server: url.origin,
  })

interface Sent {
  method: 'GET' | 'POST'
  path: string
  query: string
  headers: Record<string, string>
  body?: string
  changing: boolean
}

interface Carried {
  asOf: string | undefined
  /** Why, on every change. */
  reason?: string
  confirmed?: boolean
}

/** A change carries its reason, a key by which a repetition can be told, and its confirmation where there was one. */
function sentBy(op: Operation, input: unknown, { asOf, reason, confirmed }: Carried) {
  const carried = {
    accept: 'application/json',
    ...(asOf !== undefined && { [headers.asOf]: asOf }),
    ...(confirmed && { [headers.confirm]: 'true' }),
    ...(reason !== undefined && {
      [headers.reason]: Buffer.from(reason).toString('latin1'), // UTF-8, byte by byte
      'Idempotency-Key': randomUUID(),
    }),
  }
  const { method, path } = op
  if (method === 'GET') return { method, path, query: queryOf(input), headers: carried }
  const headersOfBody = { ...carried, 'content-type': 'application/json' }
  return { method, path, query: '', headers: headersOfBody, body: JSON.stringify(input) }
}

interface Sending extends Sent {
  target: Target
  dispatcher: Dispatcher
  trace: Trace
  signal: AbortSignal
  timeoutMs: number
  wholeMs: number
}

/** `request`, not `fetch`: fetch follows redirects, and would hand the key to whatever host they name. */
async function send(sending: Sending): Promise<Received> {
  const { method, path, query, headers: own, body, target, dispatcher, trace, signal, timeoutMs } = sending
  const url = new URL(target.url.pathname.replace(/\/$/, '') + path, target.url)
  url.search = query
  const credential = target.credential ? { [target.credential.header]: target.credential.value } : {}
  const sent = { ...own, ...credential }
  const deadline = AbortSignal.timeout(Math.max(1, Math.ceil(timeoutMs)))
  const done = trace.request({ method, url, headers: sent, body })
  try {
    const response = await request.call(dispatcher, {
      origin: url.origin,
      path: url.pathname + url.search,
      method,
      headers: sent,
      body: body ?? null,
      signal: AbortSignal.any([signal, deadline]),
    })
    const text = await response.body.text()
    const received = { status: response.statusCode, headers: response.headers, text, json: jsonOf(text) }
    done(received)
    return { ...received, header: (name) => firstOf(response.headers[name.toLowerCase()]) }
  } catch (error) {
    throw failureOfConnection(error, { ...sending, deadline })
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const firstOf = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value)
