import type { Dispatcher } from 'undici'
import request from 'undici/lib/api/api-request.js'
import type { Progress } from '../../shared/changes/bulk-change.ts'
import type { Endpoint } from '../../shared/endpoint.ts'
import { ndjson } from '../../shared/headers.ts'
import type { Target } from '../settings/target.ts'
import type { Deadline } from './deadline.ts'
import type { Received } from './received.ts'
import type { Trace } from './trace.ts'

/** The request of a call. */
export interface Sent {
  method: Endpoint['method']
  path: string
  query: string
  headers: Record<string, string>
  body?: string
  changing: boolean
  /** Called with each progress that the server reports. */
  onProgress?: ((progress: Progress) => void) | undefined
}

interface Sending extends Sent {
  target: Target
  dispatcher: Dispatcher
  trace: Trace
  signal: AbortSignal
  deadline: Deadline
  wholeMs: number
}

/**
 * Sends a request once. undici's `request` follows no redirects; `fetch` would send the key to the redirected host.
 * @throws Failure when there is no complete answer
 */
export async function send(sending: Sending): Promise<Received> {
  const { method, path, query, headers: own, body, target, dispatcher, trace, signal, deadline } = sending
  const url = new URL(target.url)
  url.pathname = target.url.pathname.replace(/\/$/, '') + path
  url.search = query
  const credential = target.credential ? { [target.credential.header]: target.credential.value } : {}
  const sent = { ...own, ...credential }
  const traced = trace.request({ method, url, headers: sent, body })
  try {
    const response = await request.call(dispatcher, {
      path: url.pathname + url.search,
      method,
      headers: sent,
      body: body ?? null,
      signal: AbortSignal.any([signal, deadline.signal]),
    })
    const header = (name: string) => firstOf(response.headers[name.toLowerCase()])
    const streams = sending.onProgress && response.statusCode === 200 && header('content-type')?.startsWith(ndjson)
    const { text, ...answer } = streams
      ? await followed(response, sending, traced.line)
      : await whole(response, sending)
    traced.answer({ status: answer.status, headers: response.headers, text })
    return { ...answer, text, headers: response.headers, header }
  } catch (error) {
    const { failureOfConnection } = await import('./connection-errors.ts')
    throw failureOfConnection(error, sending)
  }
}

/** The largest answer in bytes; V8's longest string is larger. */
const mostBytes = 256 * 2 ** 20

async function whole({ statusCode: status, body }: Dispatcher.ResponseData, sending: Sending) {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of body) {
    parts.push(part)
    bytes += part.length
    if (bytes <= mostBytes) continue
    const { tooLong } = await import('./response-errors.ts')
    throw tooLong(sending, mostBytes)
  }
  const text = new TextDecoder().decode(Buffer.concat(parts))
  return { status, json: jsonOf(text), text }
}

async function followed({ body }: Dispatcher.ResponseData, sending: Sending, traceLine: (line: string) => void) {
  const { target, deadline, onProgress = () => {} } = sending
  const onLine = (line: string) => {
    deadline.heard()
    traceLine(line)
  }
  const { readProgress } = await import('./progress-stream.ts')
  const answer = await readProgress(body, { server: target.url.origin, onProgress, onLine })
  return { ...answer, text: '' } // each line is traced already
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const firstOf = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value)
