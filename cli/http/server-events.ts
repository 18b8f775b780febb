import { TooLong } from '../../sdk/call/body.ts'
import { deadlineAfter } from '../../sdk/call/deadline.ts'
import { type ServerEvent, serverEventsOf } from '../../sdk/call/server-events.ts'
import { Failure } from '../../shared/errors.ts'
import type { Target } from '../settings/target.ts'
import { connectionTo, type Response } from './connection.ts'
import { readWhole } from './read-whole.ts'
import { headerOf } from './received.ts'
import { queryOf } from './request-url.ts'
import type { Trace } from './trace.ts'
import { userAgent } from './user-agent.ts'

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
  const headers = { accept: 'text/event-stream', 'user-agent': userAgent, ...credential }
  const traced = trace.request({ method: 'GET', url, headers, body: undefined })
  const deadline = deadlineAfter(silenceMs, { caller: signal })
  const ended = new AbortController()
  const connection = await connectionTo(target)
  try {
    const response = await connection.request({
      path: url.pathname + url.search,
      method: 'GET',
      headers,
      signal: AbortSignal.any([deadline.signal, ended.signal]),
    })
    traced.answer({ status: response.status, headers: response.headers, text: '' })
    const isStream = headerOf(response)('content-type')?.startsWith('text/event-stream')
    if (response.status !== 200 || !isStream) throw await refusal(response, streaming)
    yield* serverEventsOf(response.body, { most: mostCharacters, heard: deadline.heard })
  } catch (error) {
    if (error instanceof TooLong) throw tooLong(target)
    const { failureOfConnection } = await import('./connection-errors.ts')
    throw failureOfConnection(error, { target, changing: false, signal, deadline, wholeMs: silenceMs })
  } finally {
    deadline.end()
    ended.abort() // also when the reader leaves early
    connection.close()
  }
}

const tooLong = ({ name }: Target): Failure =>
  new Failure('unexpected_answer', `${name} sent a message of more than ${mostCharacters / 2 ** 20} MiB`, {
    hint: 'check with jobsctl doctor that --url is the root of a jobs server',
    server: name,
  })

async function refusal(response: Response, { target, path }: Streaming): Promise<Failure> {
  const { failureOfResponse, unexpectedResponse } = await import('./response-errors.ts')
  const received = await readWhole(response, { target, changing: false })
  if (received.status < 300) return unexpectedResponse(received, { target, path, changing: false })
  return failureOfResponse(received, { target, method: 'GET', path, changing: false })
}
