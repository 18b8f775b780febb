import type { Client, Dispatcher } from 'undici'
import connect from 'undici/lib/api/api-connect.js'
import HttpClient from 'undici/lib/dispatcher/client.js'
import ProxyAgent from 'undici/lib/dispatcher/proxy-agent.js'
import type { HttpProxy } from '../settings/proxy.ts'
import { tunnelRefused } from './proxy-errors.ts'

interface Options extends Client.Options {
  connect: { ca?: string[]; signal: AbortSignal; timeout: number }
}

/** Sends requests through a tunnel that a proxy opens (CONNECT), so that the proxy sees none of what is sent. */
export function throughProxy({ url, authorization }: HttpProxy, { connect: tls, ...options }: Options): Dispatcher {
  return new ProxyAgent({
    ...options,
    uri: url.href,
    ...(authorization !== undefined && { token: authorization }),
    connections: 1,
    requestTls: tls,
    proxyTls: tls,
    clientFactory: (origin, toProxy) => {
      const client = new HttpClient(origin, { ...options, ...toProxy })
      return Object.assign(client, { connect: (asked: Dispatcher.ConnectOptions) => openTunnel(client, asked) })
    },
  })
}

/** @throws the error of `tunnelRefused` for an answer other than 200, or the error of Node for a proxy that cannot be reached */
async function openTunnel(client: Client, asked: Dispatcher.ConnectOptions): Promise<Dispatcher.ConnectData> {
  const answer = await connect.call(client, asked).catch((cause: Error) => {
    // With its own code, undici would open the tunnel again and again.
    const isClosed = 'code' in cause && cause.code === 'UND_ERR_SOCKET'
    throw isClosed ? Object.assign(new Error(cause.message, { cause }), { code: 'ECONNRESET' }) : cause
  })
  if (answer.statusCode === 200) return answer
  answer.socket.on('error', () => {}).destroy()
  throw tunnelRefused(answer.statusCode)
}
