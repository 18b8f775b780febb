import { setFlagsFromString } from 'node:v8'
import type { Client, Dispatcher } from 'undici'
import request from 'undici/lib/api/api-request.js'
import HttpClient from 'undici/lib/dispatcher/client.js'
import type { Target } from '../settings/target.ts'

interface Request {
  method: Dispatcher.HttpMethod
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
   * @throws the error of Node or undici for a connection that cannot be opened, breaks or does not speak HTTP, here or while the body is
   * read; `isUnsent` tells whether the request had begun to leave
   */
  request: (request: Request) => Promise<Response>
  close: () => void
}

/** What is the same with and without a proxy. Each call has its own deadline, so that no other limit of time applies. */
const options: Client.Options = {
  connectTimeout: 0,
  headersTimeout: 0,
  bodyTimeout: 0,
  // In bytes. Proxies add headers of their own, and 16 KiB, the default, is for servers that anybody may call.
  maxHeaderSize: 65_536,
  // In milliseconds. An idle connection is closed before servers and proxies close it, most of which wait for 5 s or longer.
  keepAliveTimeout: 4000,
  keepAliveMaxTimeout: 4000,
}

/** One socket at most, which carries one request at a time. */
interface Line {
  dispatcher: Dispatcher
  /** Ends the socket, also while it is being opened: undici by itself ends a request only when its socket is open. */
  end: () => void
}

/** A connection to the server of a target, by parts of undici: `fetch` follows redirects and sends the key along. */
export async function connectionTo(target: Target): Promise<Connection> {
  // undici parses HTTP with WebAssembly. V8's optimising tier takes longer than a whole call, and Node waits for it at exit.
  setFlagsFromString('--wasm-tiering-budget=1000000000')
  const open = await opener(target)
  const lines = new Set<Line>()
  const idle: Line[] = []
  const opened = () => {
    const line = open()
    lines.add(line)
    return line
  }
  return {
    close: () => {
      for (const line of lines) line.end()
    },
    request: async ({ signal, body, ...rest }) => {
      signal.throwIfAborted()
      const line = idle.pop() ?? opened()
      signal.addEventListener('abort', line.end)
      let isSent = false
      const onSent = () => {
        isSent = true
      }
      try {
        const sending = { ...rest, origin: target.url.origin, body: body === undefined ? null : Buffer.from(body) }
        const answer = await request.call(watched(line.dispatcher, onSent), sending)
        answer.body.once('end', () => idle.push(line))
        answer.body.once('close', () => {
          signal.removeEventListener('abort', line.end)
          if (!answer.body.readableEnded) lines.delete(line)
        })
        return { status: answer.statusCode, headers: answer.headers, body: answer.body }
      } catch (error) {
        signal.removeEventListener('abort', line.end)
        lines.delete(line)
        if (!isSent && error instanceof Error) unsent.add(error)
        throw error
      }
    },
  }
}

const unsent = new WeakSet<object>()

/** True for the error of a request of which nothing was sent: the connection was not open yet, or TLS had not checked the server. */
export const isUnsent = (error: unknown): boolean => typeof error === 'object' && error !== null && unsent.has(error)

/** Calls `onSent` right before a request is written, which is after TLS has checked the server. */
const watched = (dispatcher: Dispatcher, onSent: () => void): Pick<Dispatcher, 'dispatch'> => ({
  dispatch: (sending, handler) => {
    const begin = handler.onConnect
    handler.onConnect = (...begun) => {
      onSent()
      begin?.apply(handler, begun)
    }
    return dispatcher.dispatch(sending, handler)
  },
})

/** The function that makes a line to a server, through the proxy of the target where it has one. */
async function opener({ url, ca, proxy, socketPath }: Target): Promise<() => Line> {
  const trusted = ca === undefined ? {} : { ca: await certificatesWith(ca) }
  const throughProxy = proxy && (await import('./through-proxy.ts')).throughProxy
  return () => {
    const ended = new AbortController()
    const connect = { ...trusted, signal: ended.signal, timeout: 0 }
    const dispatcher =
      proxy && throughProxy
        ? throughProxy(proxy, { ...options, connect })
        : new HttpClient(url.origin, { ...options, connect, ...(socketPath !== undefined && { socketPath }) })
    return { dispatcher, end: () => ended.abort() }
  }
}

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
