import { Failure } from '../../shared/errors.ts'
import type { Target } from '../settings/target.ts'
import { connectionTo, type Response } from './connection.ts'
import { deadlineAfter } from './deadline.ts'
import { readWhole } from './read-whole.ts'
import { headerOf } from './received.ts'
import { queryOf } from './request-url.ts'
import type { Trace } from './trace.ts'

/** A message of a stream of server-sent events. */
export interface ServerEvent {
  event: string
  data: string
}

interface Streaming {
  target: Target
  trace: Trace
  signal: AbortSignal
  path: string
  fields: object
  /** The longest time without any byte, in milliseconds; also the longest time until the answer begins. */
  silenceMs: number
}

/** The longest message in characters. */
const mostCharacters = 64 * 2 ** 20

/**
 * Reads server-sent events from one request until the server ends the answer.
 * @throws Failure for an answer that is no stream, and for a connection that breaks, stays silent or is interrupted
 */
export async function* serverEvents(streaming: Streaming): AsyncGenerator<ServerEvent> {
  const { target, trace, signal, path, fields, silenceMs } = streaming
  const url = new URL(target.url)
  url.pathname = target.url.pathname.replace(/\/$/, '') + path
  url.search = queryOf(fields)
  const credential = target.credential ? { [target.credential.header]: target.credential.value } : {}
  const headers = { accept: 'text/event-stream', ...credential }
  const traced = trace.request({ method: 'GET', url, headers, body: undefined })
  const deadline = deadlineAfter(silenceMs, silenceMs)
  const ended = new AbortController()
  const connection = await connectionTo(target)
  try {
    const response = await connection.request({
      path: url.pathname + url.search,
      method: 'GET',
      headers,
      signal: AbortSignal.any([signal, deadline.signal, ended.signal]),
    })
    traced.answer({ status: response.status, headers: response.headers, text: '' })
    const isStream = headerOf(response)('content-type')?.startsWith('text/event-stream')
    if (response.status !== 200 || !isStream) throw await refusal(response, streaming)
    yield* messagesOf(response.body, deadline.heard, target)
  } catch (error) {
    const { failureOfConnection } = await import('./connection-errors.ts')
    throw failureOfConnection(error, { target, changing: false, signal, deadline, wholeMs: silenceMs })
  } finally {
    deadline.end()
    ended.abort() // also when the reader leaves early
    connection.close()
  }
}

async function* messagesOf(body: AsyncIterable<Uint8Array>, heard: () => void, target: Target) {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of body) {
    heard()
    const parts = (rest + decoder.decode(bytes, { stream: true })).split('\n\n')
    rest = parts.pop() ?? ''
    if (rest.length > mostCharacters) {
      throw new Failure('unexpected_answer', `${target.url.origin} sent a message that is too long`)
    }
    for (const part of parts) {
      const message = messageOf(part)
      if (message.data !== '') yield message
    }
  }
}

/** The fields of one message. Servers of this API send `\n` and one line of data. */
function messageOf(text: string): ServerEvent {
  const message = { event: 'message', data: '' }
  for (const line of text.split('\n')) {
    const [, name, value = ''] = /^(\w+): ?(.*)$/s.exec(line) ?? []
    if (name === 'event') message.event = value
    if (name === 'data') message.data += value
  }
  return message
}

async function refusal(response: Response, { target, path }: Streaming): Promise<Failure> {
  const { failureOfResponse, unexpectedResponse } = await import('./response-errors.ts')
  const received = await readWhole(response, { target, changing: false })
  if (received.status < 300) return unexpectedResponse(received, { target, changing: false })
  return failureOfResponse(received, { target, method: 'GET', path, changing: false })
}
