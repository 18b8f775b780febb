import type { IncomingMessage } from 'node:http'
import type { Target } from '../settings/target.ts'

/** In bytes. Proxies add headers of their own, and Node's default of 16 KiB is for servers that anybody may call. */
const largestHeaders = 65_536

/** An idle connection is closed before servers and proxies close it, most of which wait for 5 s or longer. */
const idleMs = 4000

/** The first probe of a silent connection, which keeps the routers between both sides from forgetting it. */
const probeMs = 60_000

interface Request {
  method: string
  /** The path with its query. */
  path: string
  headers: Record<string, string>
  body?: string | undefined
  signal: AbortSignal
}

export interface Response {
  status: number
  /** By names in lower case; a header that was sent several times is a list. */
  headers: Record<string, string | string[] | undefined>
  body: AsyncIterable<Uint8Array>
}

/** A connection to a server. It is opened at the first request, and another one for requests that are sent meanwhile. */
export interface Connection {
  /**
   * Sends a request, and returns when the headers of the response are there. Redirects are not followed.
   * @throws the error of Node for a connection that cannot be opened, breaks or does not speak HTTP, here or while the body is read;
   * `isUnsent` tells whether the request had begun to leave
   */
  request: (request: Request) => Promise<Response>
  close: () => void
}

/**
 * A connection to the server of a target. Node's HTTP client is in the program file of Node with its compiled code, so that it starts
 * faster than a package; its TLS is loaded for https only.
 */
export async function connectionTo({ url, ca }: Target): Promise<Connection> {
  const secure = url.protocol === 'https:'
  const http = secure ? await import('node:https') : await import('node:http')
  const opened = secure ? 'secureConnect' : 'connect'
  const agent = new http.Agent({ keepAlive: true, keepAliveMsecs: probeMs, timeout: idleMs })
  const trusted = ca === undefined ? {} : { ca: await certificatesWith(ca) }
  return {
    close: () => agent.destroy(),
    request: ({ method, path, headers, body, signal }) =>
      new Promise((resolve, reject) => {
        // As bytes: Node writes the headers before a text with the encoding of the text, and headers are Latin-1.
        const bytes = body === undefined ? undefined : Buffer.from(body)
        const length = bytes && { 'content-length': bytes.length }
        const options = { agent, method, path, signal, maxHeaderSize: largestHeaders, ...trusted }
        const request = http.request(url.origin, { ...options, headers: { ...headers, ...length } })
        // Nothing is sent before TLS has checked the server: an error until then is one of TLS, and the server has seen no request.
        let isSent = false
        const end = () => {
          isSent = true
          request.end(bytes)
        }
        request.once('socket', (socket) => (request.reusedSocket ? end() : socket.once(opened, end)))
        request.once('response', (response) => {
          // Node reports what breaks a response to its request, and the reader of the body needs to know it.
          request.on('error', (error) => {
            if (!response.complete) response.destroy(error)
          })
          resolve({ status: response.statusCode ?? 0, headers: headersOf(response), body: response })
        })
        const fail = (error: Error) => {
          if (!isSent) unsent.add(error)
          reject(error)
        }
        request.on('error', fail)
        request.once('close', () => fail(closed()))
      }),
  }
}

const unsent = new WeakSet<object>()

/** True for the error of a request of which nothing was sent: the connection was not open yet, or TLS had not checked the server. */
export const isUnsent = (error: unknown): boolean => typeof error === 'object' && error !== null && unsent.has(error)

/** The error that Node has for a connection which ends before a response; Node has none for an answer that asks for another protocol. */
const closed = () => Object.assign(new Error('the connection ended before a response'), { code: 'ECONNRESET' })

const headersOf = ({ headersDistinct }: IncomingMessage): Response['headers'] =>
  Object.fromEntries(
    Object.entries(headersDistinct).map(([name, values]) => [name, values?.length === 1 ? values[0] : values]),
  )

/** The certificates that Node trusts, those of `NODE_EXTRA_CA_CERTS` included, and those of the profile. */
async function certificatesWith(ca: string): Promise<string[]> {
  const { rootCertificates } = await import('node:tls')
  const path = process.env.NODE_EXTRA_CA_CERTS
  if (path === undefined || path === '') return [...rootCertificates, ca]
  const { readFile } = await import('node:fs/promises')
  // Node warns about a file that it cannot read, and goes on without it.
  const extra = await readFile(path, 'utf8').catch(() => '')
  return [...rootCertificates, extra, ca]
}
