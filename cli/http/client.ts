import type { Dispatcher } from 'undici'
import type { z } from 'zod'
import type { Progress } from '../../shared/changes/bulk-change.ts'
import type { Endpoint } from '../../shared/endpoint.ts'
import { Failure, failures } from '../../shared/errors.ts'
import { headers, ndjson } from '../../shared/headers.ts'
import type { Settings } from '../settings/settings.ts'
import type { Target } from '../settings/target.ts'
import { connection } from './connection.ts'
import { deadlineAfter } from './deadline.ts'
import { placeFields, queryOf } from './request-url.ts'
import type { Received } from './response-errors.ts'
import { withRetries } from './retry.ts'
import { type Sent, send } from './send.ts'
import type { Trace } from './trace.ts'

interface CallOptions {
  /** What was confirmed by a person or by `--yes`: only the guard passes it. */
  confirmed?: boolean
  /** Asks a change to tell how far it has come; whether it does is up to the server. */
  onProgress?: ((progress: Progress) => void) | undefined
}

interface Answer<T> {
  body: T
  /** The answer as the server sent it. */
  raw: unknown
}

export interface Client {
  target: Target
  call: <In extends z.ZodType, Out extends z.ZodType>(
    endpoint: Endpoint<In, Out>,
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
  let dispatcher: Dispatcher | undefined

  async function timed(sent: Sent): Promise<Received> {
    const wholeMs = settings.timeoutMs
    // A change has one of its own: the server may close one that lies idle at the very moment when the change goes out.
    if (sent.changing) dispatcher = undefined
    dispatcher ??= connection(target, wholeMs)
    // Nobody said how long it may take: while a change tells how far it is, it may take longer.
    const deadline = deadlineAfter(left(), settings.timeoutGiven ? undefined : wholeMs)
    try {
      return await send({ ...sent, target, dispatcher, trace, signal, deadline, wholeMs })
    } finally {
      spent += deadline.end()
    }
  }

  return {
    target,
    async call(endpoint, input, options = {}) {
      const changing = endpoint.changes(endpoint.input.parse(input))
      if (!target.credential) throw noCredential(target)
      const { reason } = settings
      const sent = sentBy(endpoint, input, changing ? { reason, key: await newKey(), ...options } : {})
      const attempt = async () => {
        const received = await timed({ ...sent, changing })
        if (received.status < 300) return received
        const { failureOfResponse } = await import('./response-errors.ts')
        throw failureOfResponse(received, { ...sent, target, changing })
      }
      const received = await withRetries(attempt, {
        retries: settings.retries,
        worthRepeating: changing ? neverArrived : mayPass,
        left,
        signal,
      })
      const read = endpoint.output.safeParse(received.json)
      if (read.success) return { body: read.data, raw: received.json }
      const { unexpectedResponse } = await import('./response-errors.ts')
      throw unexpectedResponse(received, { target, changing })
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

/** Node's cryptography takes long to load, and most calls change nothing. */
const newKey = async (): Promise<string> => (await import('node:crypto')).randomUUID()

interface Carried extends CallOptions {
  /** Why, on every change. */
  reason?: string
  /** By which a repetition can be told, on every change. */
  key?: string
}

/** A change carries its reason, its key, and its confirmation where there was one. */
function sentBy(
  endpoint: Endpoint,
  input: unknown,
  { reason, key, confirmed, onProgress }: Carried,
): Omit<Sent, 'changing'> {
  const { path, fields } = placeFields(endpoint.path, input)
  const carried = {
    accept: onProgress ? ndjson : 'application/json',
    ...(confirmed && { [headers.confirm]: 'true' }),
    ...(reason !== undefined && { [headers.reason]: Buffer.from(reason).toString('latin1') }), // UTF-8, byte by byte
    ...(key !== undefined && { [headers.idempotencyKey]: key }),
  }
  if (endpoint.method === 'GET') return { method: endpoint.method, path, query: queryOf(fields), headers: carried }
  const headersOfBody = { ...carried, 'content-type': 'application/json' }
  return { method: endpoint.method, path, query: '', headers: headersOfBody, body: JSON.stringify(fields), onProgress }
}
