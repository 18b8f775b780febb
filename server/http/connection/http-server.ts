import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { getRequestListener, RequestError } from '@hono/node-server'
import { Failure } from '../../../shared/errors.ts'
import { headers } from '../../../shared/headers.ts'
import { systemErrorText } from '../../log/system-error.ts'
import { respondToHealth } from '../health.ts'
import { problemOf } from '../problem.ts'
import { securityHeaders } from '../security-headers.ts'
import { oneAtATime } from './pipelined-requests.ts'

/** How long a client may take to send a request with its body; Node looks every 30 s. */
const wholeRequestMs = 60_000

/** An HTTP server for an app. A request that is too malformed to reach the app also gets a problem document. */
export function createHttpServer(fetch: (request: Request) => Response | Promise<Response>): Server {
  const listener = getRequestListener(fetch, {
    hostname: 'localhost', // for HTTP/1.0, where a request may have no Host header
    errorHandler: (error) => {
      if (!(error instanceof RequestError)) return undefined
      const { status, head, body } = refusal(400)
      return new Response(body, { status, headers: head })
    },
  })
  // A missing Host header is refused here, because Node's own response would have no body.
  const respond = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    if (incoming.headers.host === undefined && incoming.httpVersion === '1.1') respondWithRefusal(outgoing, 400)
    else if (!respondToHealth(incoming, outgoing)) void listener(incoming, outgoing)
  }
  const { listener: inTurn, afterResponses } = oneAtATime(respond)
  return createServer({ requireHostHeader: false, requestTimeout: wholeRequestMs }, inTurn)
    .on('clientError', (error: NodeJS.ErrnoException, socket) => afterResponses(socket, () => refuse(error, socket)))
    .on('checkExpectation', (_incoming, outgoing) => respondWithRefusal(outgoing, 417))
}

function respondWithRefusal(outgoing: ServerResponse, wanted: number): void {
  const { status, head, body } = refusal(wanted)
  outgoing.writeHead(status, { ...head, Connection: 'close' }).end(body)
}

function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const { status, head, body } = refusal(statuses.get(error.code ?? '') ?? 400)
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    ...Object.entries(head).map(([name, value]) => `${name}: ${value}`),
    ...[`Content-Length: ${Buffer.byteLength(body)}`, 'Connection: close', '', body],
  ]
  socket.end(lines.join('\r\n'))
  // A client that never closes its side would keep the connection, and destroyed at once it may not read the response.
  setTimeout(() => socket.destroy(), lastReadMs).unref()
}

/** How long a client may take to read why its connection is closed, in milliseconds. */
const lastReadMs = 1000

const statuses: ReadonlyMap<string, number> = new Map([
  ['HPE_HEADER_OVERFLOW', 431],
  ['ERR_HTTP_REQUEST_TIMEOUT', 408],
])

function refusal(status: number) {
  const id = randomUUID()
  const detail =
    status === 408
      ? `the request did not arrive within ${wholeRequestMs / 1000} s; nothing was changed`
      : 'the request is not HTTP as this server reads it'
  const problem = problemOf(new Failure('malformed_request', detail), id)
  return {
    status,
    head: { 'Content-Type': 'application/problem+json', [headers.requestId]: id, ...securityHeaders },
    body: JSON.stringify({ ...problem, status }),
  }
}

/** The most connections that wait to be accepted, where the kernel allows as many (`net.core.somaxconn`). Node's own number is 511. */
const waitingConnections = 4096

/**
 * Listens, and resolves to the port.
 * @throws Failure `usage` when the server cannot listen on the address
 */
export async function listen(server: Server, host: string, wanted: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(
        new Failure('usage', `cannot listen on ${host}:${wanted}: ${systemErrorText(cause)}`, {
          hint:
            cause.code === 'EADDRINUSE'
              ? 'another program listens on the port: set PORT to another one'
              : 'see HOST and PORT',
          cause,
        }),
      ),
    )
    server.listen({ port: wanted, host, backlog: waitingConnections }, resolve)
  })
  const address = server.address()
  return typeof address === 'object' && address ? address.port : wanted
}

/** Stops accepting connections and waits for running requests; after `limitMs` it closes their connections. */
export async function close(server: Server, limitMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  // A connection becomes idle when its request ends, and a caller may keep an idle connection open for long.
  const idle = setInterval(() => server.closeIdleConnections(), 50)
  server.closeIdleConnections()
  await Promise.race([closed, wait(limitMs, undefined, { ref: false })])
  clearInterval(idle)
  server.closeAllConnections()
}
