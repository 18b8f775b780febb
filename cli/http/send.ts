import type { Deadline } from '../../sdk/call/deadline.ts'
import type { Progress } from '../../shared/changes/bulk-change.ts'
import type { Endpoint } from '../../shared/endpoint.ts'
import { ndjson } from '../../shared/headers.ts'
import type { Target } from '../settings/target.ts'
import type { Connection, Response } from './connection.ts'
import { type AnswerRoom, readWhole } from './read-whole.ts'
import { headerOf, type Received } from './received.ts'
import type { Trace } from './trace.ts'
import { userAgent } from './user-agent.ts'

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
  connection: Connection
  trace: Trace
  signal: AbortSignal
  deadline: Deadline
  /** Called with each part of a long answer. */
  heard: () => void
  wholeMs: number
  /** The bytes that the caller takes. */
  room: AnswerRoom | undefined
}

/**
 * Sends a request once. Redirects are not followed: the key would go to the redirected host.
 * @throws Failure when there is no complete answer
 */
export async function send(sending: Sending): Promise<Received> {
  const { method, path, query, headers: own, body, target, connection, trace, deadline } = sending
  const url = new URL(target.url)
  url.pathname = target.url.pathname.replace(/\/$/, '') + path
  url.search = query
  const credential = target.credential ? { [target.credential.header]: target.credential.value } : {}
  const sent = { ...own, 'user-agent': userAgent, ...credential }
  const traced = trace.request({ method, url, headers: sent, body })
  try {
    const response = await connection.request({
      path: url.pathname + url.search,
      method,
      headers: sent,
      body,
      signal: deadline.signal,
    })
    const streams =
      sending.onProgress && response.status === 200 && headerOf(response)('content-type')?.startsWith(ndjson)
    const received = streams ? await followed(response, sending, traced.line) : await readWhole(response, sending)
    traced.answer(received)
    return received
  } catch (error) {
    const { failureOfConnection } = await import('./connection-errors.ts')
    throw failureOfConnection(error, sending)
  }
}

async function followed(response: Response, sending: Sending, traceLine: (line: string) => void): Promise<Received> {
  const { target, heard, onProgress = () => {} } = sending
  const onLine = (line: string) => {
    heard()
    traceLine(line)
  }
  const { readProgress } = await import('./progress-stream.ts')
  const answer = await readProgress(response.body, { server: target.name, onProgress, onLine })
  const text = '' // each line is traced already
  return { ...answer, text, headers: response.headers, header: headerOf(response) }
}
