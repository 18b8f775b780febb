import type { z } from 'zod'
import { deadlineAfter } from '../../sdk/call/deadline.ts'
import { readExactly } from '../../sdk/call/exact-json.ts'
import type { ServerEvent } from '../../sdk/call/server-events.ts'
import type { Progress } from '../../shared/changes/bulk-change.ts'
import type { Endpoint } from '../../shared/endpoint.ts'
import { type Failure, failures } from '../../shared/errors.ts'
import { headers, ndjson, respondAsync } from '../../shared/headers.ts'
import type { Settings } from '../settings/settings.ts'
import type { Target } from '../settings/target.ts'
import { type Connection, connectionTo } from './connection.ts'
import type { AnswerRoom } from './read-whole.ts'
import type { Received } from './received.ts'
import { keyedPath, placeFields, queryOf } from './request-url.ts'
import { withRetries } from './retry.ts'
import { type Sent, send } from './send.ts'
import { checkClock, type ServerClock } from './server-clock.ts'
import type { Trace } from './trace.ts'

export interface CallOptions {
  /** True where a person or `--yes` confirmed the change: only the guard sets it. */
  confirmed?: boolean
  /** Asks the server to report the progress of a change; a server may send none. */
  onProgress?: ((progress: Progress) => void) | undefined
  /** Asks the server to answer before the change has ended, and to go on with it; some servers answer when it has ended. */
  detached?: boolean
  /** True for a read that a replica may answer. */
  staleOk?: boolean | undefined
  /** True for failures that another try cannot change, though they look as if they pass. */
  isFinal?: (failure: Failure) => boolean
}

interface Answer<T> {
  body: T
  /** The answer as the server sent it, to be printed: `restoreDigits` gives numbers that JavaScript would change their digits. */
  raw: unknown
  /** The value of a header of the answer. */
  header: (name: string) => string | undefined
}

export interface Client {
  target: Target
  call: <In extends z.ZodType, Out extends z.ZodType>(
    endpoint: Endpoint<In, Out>,
    input: z.input<In>,
    options?: CallOptions,
  ) => Promise<Answer<z.output<Out>>>
  /** Reads the server-sent events of a path; ends when the server ends the answer, and throws when it is silent for too long. */
  follow: (path: string, fields: object, silenceMs: number) => AsyncIterable<ServerEvent>
  /**
   * POST of JSON to a path that is no endpoint of the API, such as `/mcp`, and the text of the answer.
   * @throws Failure for an answer other than 2xx
   */
  post: (path: string, json: string, headers: Record<string, string>) => Promise<string>
  /** GET of a path that is no endpoint of the API, such as `/healthz`: the status, the headers and the JSON of the answer. */
  probe: (path: string) => Promise<Pick<Received, 'status' | 'headers' | 'json'>>
}

interface ClientOptions {
  target: Target
  settings: Settings
  trace: Trace
  signal: AbortSignal
  /** The bytes of answers that the caller takes; undefined for a caller with one server. */
  room?: AnswerRoom | undefined
  /** Called with the headers of each answer. */
  noteHeaders?: (header: Received['header']) => void
  /** Looked at in answers to reads. */
  clock?: ServerClock
}

/** Sends requests within one deadline for all of them together. */
function deadlineSender({ target, settings, trace, signal, room }: ClientOptions) {
  let spent = 0
  let opened: Promise<Connection> | undefined
  const left = () => settings.timeoutMs - spent
  const sendWithDeadline = async (sent: Sent): Promise<Received> => {
    const wholeMs = settings.timeoutMs
    // Each change has its own connection: the server may close an idle connection while the change is sent.
    if (sent.changing) opened = undefined
    opened ??= connectionTo(target)
    const connection = await opened
    const deadline = deadlineAfter(left(), { caller: signal, silenceMs: wholeMs })
    // Without --timeout, a change that reports progress may take longer than the default deadline.
    const heard = settings.timeoutGiven ? () => {} : deadline.heard
    try {
      return await send({ ...sent, target, connection, trace, signal, deadline, heard, wholeMs, room })
    } finally {
      spent += deadline.end()
    }
  }
  return { left, sendWithDeadline }
}

/** A client of one server. All calls share one deadline; time between calls, such as a prompt, does not count. */
export function createClient(options: ClientOptions): Client {
  const { target, settings, signal, noteHeaders, clock } = options
  const { left, sendWithDeadline } = deadlineSender(options)
  return {
    target,
    async call(endpoint, input, callOptions = {}) {
      const changing = endpoint.changes(endpoint.input.parse(input))
      if (!target.credential) throw await noCredential(target)
      const { reason, retries, emergency } = settings
      const { onProgress, staleOk } = callOptions
      const options = changing ? { reason, emergency, key: await newKey(), ...callOptions } : { onProgress, staleOk }
      const at = keyedPath(endpoint, input)
      let sent = requestOf(endpoint, at.path, at.input, options)
      // A command that begins again would make its change twice.
      if (clock && changing) clock.matters = false
      const attempt = async () => {
        const sentAt = Date.now()
        let received = await sendWithDeadline({ ...sent, changing })
        if ((received.status === 404 || received.status === 405) && endpoint.preferred !== undefined) {
          sent = requestOf(endpoint, endpoint.path, input, options)
          received = await sendWithDeadline({ ...sent, changing })
        }
        if (clock && !changing) checkClock(clock, received, sentAt)
        if (received.status < 300) return received
        const { failureOfResponse } = await import('./response-errors.ts')
        throw failureOfResponse(received, { ...sent, target, changing })
      }
      const mayPass = (failure: Failure) => isTemporary(failure) && !callOptions.isFinal?.(failure)
      const worthRepeating = changing ? neverSent : mayPass
      const received = await withRetries(attempt, { retries, worthRepeating, left, signal })
      noteHeaders?.(received.header)
      const read = endpoint.output.safeParse(received.json)
      if (read.success) return { body: read.data, raw: rawOf(received), header: received.header }
      const { unexpectedResponse } = await import('./response-errors.ts')
      throw unexpectedResponse(received, { target, changing, path: at.path })
    },
    async *follow(path, fields, silenceMs) {
      if (!target.credential) throw await noCredential(target)
      const { serverEvents } = await import('./server-events.ts')
      yield* serverEvents({ target, trace: options.trace, signal, path, fields, silenceMs })
    },
    async post(path, body, more) {
      const headers = { ...more, 'content-type': 'application/json' }
      const sent = { method: 'POST' as const, path, query: '', headers, body, changing: false }
      const received = await sendWithDeadline(sent)
      if (received.status < 300) return received.text
      const { failureOfResponse } = await import('./response-errors.ts')
      throw failureOfResponse(received, { ...sent, target })
    },
    async probe(path) {
      const sent = { method: 'GET' as const, path, query: '', headers: {}, changing: false }
      const { status, headers, json } = await sendWithDeadline(sent)
      return { status, headers, json }
    },
  }
}

const rawOf = ({ text, json }: Received): unknown => (text === '' ? json : readExactly(text))

/** The code of Node or undici for what broke a call. */
const causeOf = ({ cause }: Failure): unknown => (cause instanceof Error && 'code' in cause ? cause.code : undefined)

const neverSent = (failure: Failure): boolean => causeOf(failure) === 'ECONNREFUSED'

/** Every failure of an unavailable server except the deadline, after which no time is left, and headers that stay too long. */
const isTemporary = (failure: Failure): boolean =>
  failures[failure.code].exit === 'unavailable' &&
  failure.code !== 'timed_out' &&
  causeOf(failure) !== 'UND_ERR_HEADERS_OVERFLOW'

/** Imported for the error alone. */
const noCredential = async (target: Target): Promise<Failure> =>
  (await import('../settings/missing-key.ts')).noKey(target)

/** A new idempotency key. Node's crypto module is imported here, since most calls change nothing and need no key. */
const newKey = async (): Promise<string> => (await import('node:crypto')).randomUUID()

interface ChangeOptions extends CallOptions {
  /** The reason, on every change. */
  reason?: string
  /** Goes past the approval that a confirmed change needs. */
  emergency?: boolean
  /** The idempotency key, on every change. */
  key?: string
}

/** The request of a call. A change carries its reason, its idempotency key, and its confirmation. */
function requestOf(
  endpoint: Endpoint,
  at: string,
  input: unknown,
  { reason, emergency, key, confirmed, onProgress, detached, staleOk }: ChangeOptions,
): Omit<Sent, 'changing'> {
  const { path, fields } = placeFields(at, input)
  const ownHeaders = {
    accept: onProgress ? ndjson : 'application/json',
    ...(confirmed && { [headers.confirm]: 'true' }),
    ...(confirmed && emergency && { [headers.emergency]: 'true' }),
    ...(detached && { prefer: respondAsync }),
    ...(staleOk && { [headers.staleOk]: 'true' }),
    ...(reason !== undefined && { [headers.reason]: Buffer.from(reason).toString('latin1') }), // UTF-8, byte by byte
    ...(key !== undefined && { [headers.idempotencyKey]: key }),
  }
  if (endpoint.method === 'GET') {
    return { method: endpoint.method, path, query: queryOf(fields), headers: ownHeaders, onProgress }
  }
  const headersOfBody = { ...ownHeaders, 'content-type': 'application/json' }
  return { method: endpoint.method, path, query: '', headers: headersOfBody, body: JSON.stringify(fields), onProgress }
}
