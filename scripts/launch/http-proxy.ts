import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { request } from 'undici'

/** A request as it reached the proxy. */
export interface Passing {
  method: string
  /** With the query. */
  path: string
  headers: IncomingHttpHeaders
  body: string
}

/** A whole response. */
export interface Passed {
  status: number
  headers: Record<string, string>
  body: string
}

/** What the proxy does with a request: `forward` has the server answer, and `reset` breaks the connection. */
export type Proxying = (passing: Passing, forward: () => Promise<Passed>) => Promise<Passed | 'reset'>

export interface HttpProxy {
  url: string
  stop: () => Promise<void>
}

/** Stands between a client and the HTTP server at `url`, and does what `proxying` says. */
export async function httpProxy(url: string, proxying: Proxying): Promise<HttpProxy> {
  const server = createServer(async (incoming, outgoing) => {
    const { method = '', url: path = '', headers } = incoming
    const passing = { method, path, headers, body: await text(incoming) }
    const result = await proxying(passing, () => forwarded(url, passing)).catch((): 'reset' => 'reset')
    respond(outgoing, result)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function respond(outgoing: ServerResponse, result: Passed | 'reset'): void {
  if (result === 'reset') return void outgoing.destroy()
  outgoing.writeHead(result.status, result.headers).end(result.body)
}

/** Headers of one connection, which are not passed on. */
const ownHeaders = ['host', 'connection', 'content-length', 'transfer-encoding', 'keep-alive']

async function forwarded(url: string, { method, path, headers, body }: Passing): Promise<Passed> {
  const response = await request(`${url}${path}`, { method, headers: kept(headers), body: body || null })
  return { status: response.statusCode, headers: kept(response.headers), body: await response.body.text() }
}

const kept = (headers: Record<string, string | string[] | undefined>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || ownHeaders.includes(name) ? [] : [[name, String(value)]],
    ),
  )
