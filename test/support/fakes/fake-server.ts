import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Listening, listenForTest } from './listen-for-test.ts'

/** A request as it arrived; the names of headers are lower case. */
export interface FakeRequest {
  method: string
  /** With the query. */
  path: string
  headers: IncomingMessage['headers']
  /** What its JSON says; undefined without a body. */
  body: unknown
  /** As it came. */
  text: string
  /** True when the client has closed the connection. */
  hungUp: () => boolean
}

/**
 * What to answer; a body that is text is sent as it is. `reset` breaks the connection, `silence` never answers.
 * Lines are sent as they come, a line of JSON each: text as it is, `reset` and `silence` in the place of what follows.
 */
export type Reply =
  | { status?: number; headers?: Record<string, string>; body?: unknown }
  | { lines: Iterable<unknown> | AsyncIterable<unknown> }
  | 'reset'
  | 'silence'

export interface FakeServer extends Listening {
  /** Every request so far, in order. */
  requests: FakeRequest[]
}

/** A server that responds as a test says, and keeps its requests; it ends with the test. */
export async function fakeServer(
  answer: (request: FakeRequest, nth: number) => Reply | Promise<Reply>,
  port = 0,
): Promise<FakeServer> {
  const requests: FakeRequest[] = []
  const server = createServer(async (incoming, outgoing) => {
    const body = await text(incoming)
    const { method = '', url: path = '', headers } = incoming
    const hungUp = () => outgoing.destroyed
    const request = { method, path, headers, body: parsed(body), text: body, hungUp }
    requests.push(request)
    await reply(outgoing, await answer(request, requests.length))
  })
  return { ...(await listenForTest(server, port)), requests }
}

const parsed = (text: string): unknown => (text === '' ? undefined : JSON.parse(text))

async function reply(outgoing: ServerResponse, answer: Reply): Promise<void> {
  if (answer === 'silence') return
  if (answer === 'reset') return void outgoing.destroy()
  if ('lines' in answer) return stream(outgoing, answer.lines)
  const { status = 200, headers = {}, body = {} } = answer
  const plain = typeof body === 'string'
  outgoing.writeHead(status, { 'content-type': plain ? 'text/plain' : 'application/json', ...headers })
  outgoing.end(plain ? body : JSON.stringify(body))
}

const beforeResetMs = 200

async function stream(outgoing: ServerResponse, lines: Iterable<unknown> | AsyncIterable<unknown>): Promise<void> {
  outgoing.writeHead(200, { 'content-type': 'application/x-ndjson' })
  outgoing.flushHeaders()
  for await (const line of lines) {
    if (line === 'silence') return
    if (line === 'reset') {
      // A client drops what it has not read yet when the connection breaks.
      await sleep(beforeResetMs)
      return void outgoing.destroy()
    }
    const text = typeof line === 'string' ? line : `${JSON.stringify(line)}\n`
    // A reset must not overtake the lines before it.
    await new Promise((sent) => outgoing.write(text, sent))
  }
  outgoing.end()
}

/** An address on which nothing listens. */
export async function deadServer(): Promise<FakeServer> {
  const server = await fakeServer(() => 'reset')
  await server.stop()
  return server
}

/** What a server of ours says of a preview. */
export const previewOf = (count: number, more: object = {}) => ({
  token: `token-of-${count}`,
  as_of: '2026-11-24T12:00:00.000000Z',
  expires_at: '2126-11-24T13:00:00.000000Z',
  count,
  groups: [],
  oldest: null,
  newest: null,
  owners: [],
  bytes_estimate: 1000,
  sample_ids: [1],
  eta_seconds: 0.5,
  ...more,
})

/** The answer of a healthy server to a preview, or to the change itself when it is confirmed. */
export const jobsAnswer = (count: number, more: object = {}) => ({
  body: {
    ...{ deleted: count, affected: count, non_processing_with_lease: count, processing_expired: 0, fixed: 0 },
    ...{ preview: previewOf(count), ...more },
  },
})
