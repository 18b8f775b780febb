import type { z } from 'zod'
import type { EndpointName, Endpoints } from '../../shared/endpoint-names.ts'
import { base, build, noteServerTime } from '../state/page.ts'
import { signedOut, versionSeen } from '../state/session.ts'
import { parseJson } from './json.ts'
import { hintOfUnknown, Problem, unreachable } from './problem.ts'

/** The answer of an endpoint. */
export type Answer<N extends EndpointName> = z.output<Endpoints[N]['output']>

/** The fields of a request. The server checks them and names each fault. */
export type Fields = Readonly<Record<string, unknown>>

/** The header that confirms a change: with the cookie of a session every change needs it. */
export const confirmed: Readonly<Record<string, string>> = { 'X-Confirm': 'true' }

/** The header with the reason of a change; none for a blank reason. A header carries bytes: the reason goes as UTF-8. */
export const reasonHeader = (reason: string): Record<string, string> =>
  reason.trim() === '' ? {} : { 'X-Reason': String.fromCharCode(...new TextEncoder().encode(reason.trim())) }

interface CallOptions {
  signal?: AbortSignal | undefined
  /** Headers of a change: its confirmation, reason and idempotency key. */
  headers?: Readonly<Record<string, string>>
  /** Aborted once the whole answer is there: `signal` ends this read no more. Absent for a stream, which `signal` ends at any time. */
  answered?: AbortSignal
}

/** A request as it goes over the wire, without the origin. */
export interface WireRequest {
  method: string
  /** From the root of the server on, without a base path. */
  path: string
  body: string | undefined
}

/** The path of an endpoint, in which `:id` stands for an id. */
export const pathOf = (name: EndpointName): string => ENDPOINTS[name]?.[1] ?? ''

/** The request of a call: a GET has its fields in the query, and the others in a body of JSON. */
export function requestOf(name: EndpointName, fields: Fields): WireRequest {
  const [method = 'GET', path = '', keyed] = ENDPOINTS[name] ?? []
  const rest = new Map(Object.entries(fields).filter(([, value]) => value !== undefined))
  const pattern = keyed === undefined || /^\d+$/.test(String(rest.get('id'))) ? path : keyed
  if (pattern === keyed) rest.set('key', rest.get('id')).delete('id')
  const filled = pattern.replace(/:(\w+)/g, (_whole, field: string) => {
    const value = rest.get(field)
    rest.delete(field)
    return encodeURIComponent(String(value))
  })
  if (method !== 'GET') return { method, path: filled, body: JSON.stringify(Object.fromEntries(rest)) }
  const query = new URLSearchParams([...rest].map(([field, value]) => [field, String(value)]))
  return { method, path: query.size > 0 ? `${filled}?${query}` : filled, body: undefined }
}

/**
 * Calls an endpoint with the session of this browser.
 * @throws Problem what the server says, or that it does not answer
 */
export async function call<N extends EndpointName>(
  name: N,
  fields: Fields = {},
  options: CallOptions = {},
): Promise<Answer<N>> {
  const { answer } = await callWithHeaders(name, fields, options)
  return answer
}

/** The same, with the headers of the response. */
export async function callWithHeaders<N extends EndpointName>(
  name: N,
  fields: Fields = {},
  options: CallOptions = {},
): Promise<{ answer: Answer<N>; headers: Headers }> {
  const answered = new AbortController()
  try {
    const response = await send(requestOf(name, fields), { ...options, answered: answered.signal })
    return { answer: await bodyOf<Answer<N>>(response, options.headers), headers: response.headers }
  } finally {
    answered.abort()
  }
}

/** The reads that wait for their answers, each with what ends it. */
const reads = new Set<AbortController>()
/** Whether the session has ended, once that is known; undefined while nobody ends it. */
let ending: Promise<boolean> | undefined

/**
 * Ends the session by a call. Reads that are on their way end before it, and others wait for it: a read that the server gets after it is
 * refused, which the browser notes as an error.
 */
export async function endSessionBy(end: () => Promise<unknown>): Promise<void> {
  for (const read of reads) read.abort()
  const ended = end()
  ending = ended.then(
    () => true,
    () => false,
  )
  await ended.finally(() => {
    ending = undefined
  })
}

/**
 * Sends a request and returns its response, whose status is 2xx.
 * @throws Problem what the server says, or that it does not answer
 */
export async function send(
  { method, path, body }: WireRequest,
  { signal, headers = {}, answered }: CallOptions = {},
): Promise<Response> {
  const isRead = method === 'GET'
  const read = new AbortController()
  if (isRead) {
    await seen(signal)
    if (await ending) throw new Problem({ detail: 'You have logged out.' }, 401)
    signal?.addEventListener('abort', () => read.abort(), answered && { signal: answered })
    if (signal?.aborted) read.abort()
    reads.add(read)
  }
  const response = await fetch(`${base}${path}`, {
    method,
    redirect: 'error',
    credentials: 'same-origin',
    headers: { ...(body !== undefined && { 'Content-Type': 'application/json' }), ...headers },
    ...(body !== undefined && { body }),
    signal: isRead ? read.signal : (signal ?? null),
  })
    .catch((error: unknown) => {
      if (!signal?.aborted && read.signal.aborted) return undefined
      throw signal?.aborted ? error : unreachable(headers)
    })
    .finally(() => reads.delete(read))
  // A log out has ended it. Where the session goes on, it is sent again.
  if (!response) return send({ method, path, body }, { signal, headers, ...(answered && { answered }) })
  noteServerTime(response.headers.get('Date'))
  const version = response.headers.get('X-Jobs-Version')
  if (version !== null && version !== build) versionSeen(version)
  if (response.ok) return response
  const told = await problemBody(response)
  // A proxy gave up on a server that may have got the call.
  const isUnknown = told.code === undefined && response.status >= 500
  const problem = new Problem(
    {
      ...(isUnknown && { hint: hintOfUnknown(headers) }),
      ...told,
      retry_after: Number(response.headers.get('Retry-After')),
    },
    response.status,
  )
  // A wrong key of a login that is asked for again ends no session.
  if (response.status === 401 && path !== pathOf('openSession')) signedOut()
  throw problem
}

/** Resolves while the page is seen: a hidden tab reads nothing, also where its screen was still being drawn. */
const seen = (signal: AbortSignal | undefined): Promise<void> =>
  new Promise((resolve) => {
    if (!document.hidden || signal?.aborted) return resolve()
    const look = () => {
      if (document.hidden && !signal?.aborted) return
      document.removeEventListener('visibilitychange', look)
      signal?.removeEventListener('abort', look)
      resolve()
    }
    document.addEventListener('visibilitychange', look)
    signal?.addEventListener('abort', look)
  })

/** A proxy that wants a login of its own may answer with its page. */
const notOfServer = {
  detail: 'The answer is not that of a jobs-server: something in between has answered in its place.',
  hint: 'Load the page again. A proxy that wants a login asks for it then.',
}

/** Parses the body of a response. The server keeps its contract, which this client shares as types. */
async function bodyOf<T>(response: Response, headers: CallOptions['headers']): Promise<T> {
  const text = await response.text().catch(() => {
    throw unreachable(headers)
  })
  try {
    return trusted(parseJson(text || '{}'))
  } catch {
    throw new Problem(notOfServer, response.status)
  }
}

/** The schemas are not in the browser: they would be larger than the page. */
const trusted = <T>(body: unknown): T => body as T

async function problemBody(response: Response): Promise<Record<string, unknown>> {
  const body: unknown = await response.json().catch(() => undefined)
  return typeof body === 'object' && body !== null ? { ...body } : {}
}
