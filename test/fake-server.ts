import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

/** A request as it arrived; the names of headers are lower case. */
export interface Asked {
  method: string
  /** With the query. */
  path: string
  headers: IncomingMessage['headers']
  /** What its JSON says; undefined without a body. */
  body: unknown
  /** As it came. */
  text: string
}

/** What to answer; a body that is text is sent as it is. `reset` breaks the connection, `silence` never answers. */
export type Reply = { status?: number; headers?: Record<string, string>; body?: unknown } | 'reset' | 'silence'

export interface FakeServer {
  url: string
  port: number
  /** Every request so far, in order. */
  asked: Asked[]
  stop: () => Promise<void>
}

/** A server that does what a test says, and keeps what it was asked; it ends with the test. */
export async function fakeServer(
  answer: (asked: Asked, nth: number) => Reply | Promise<Reply>,
  port = 0,
): Promise<FakeServer> {
  const asked: Asked[] = []
  const server = createServer(async (incoming, outgoing) => {
    const body = await text(incoming)
    const { method = '', url: path = '', headers } = incoming
    const request = { method, path, headers, body: parsed(body), text: body }
    asked.push(request)
    reply(outgoing, await answer(request, asked.length))
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const stop = async () => {
    if (!server.listening) return
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  onTestFinished(stop)
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port')
  return { url: `http://127.0.0.1:${address.port}`, port: address.port, asked, stop }
}

const parsed = (text: string): unknown => (text === '' ? undefined : JSON.parse(text))

function reply(outgoing: ServerResponse, answer: Reply): void {
  if (answer === 'silence') return
  if (answer === 'reset') return void outgoing.destroy()
  const { status = 200, headers = {}, body = {} } = answer
  const plain = typeof body === 'string'
  outgoing.writeHead(status, { 'content-type': plain ? 'text/plain' : 'application/json', ...headers })
  outgoing.end(plain ? body : JSON.stringify(body))
}

/** An address on which nothing listens. */
export async function deadServer(): Promise<FakeServer> {
  const server = await fakeServer(() => 'reset')
  await server.stop()
  return server
}

/** The answer of a healthy server to a preview, or to the change itself when it is confirmed. */
export const jobsAnswer = (count: number, asOf = '2026-11-24T12:00:00.000000Z') => ({
  headers: { 'x-as-of': asOf },
  body: { deleted: count, affected: count, non_processing_with_lease: count, processing_expired: 0, fixed: 0 },
})
