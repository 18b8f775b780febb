import { once } from 'node:events'
import { connect, isIP, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import * as z from 'zod'
import type { Host, Target, Tls } from '../../env/conninfo-target.ts'
import { errorText } from '../../log/system-error.ts'

/** The code of the error of a server whose TLS is missing or is not the one that the operator wants: no other try helps. */
export const tlsRefused = 'TLS_REFUSED'

class TlsRefused extends Error {
  readonly code = tlsRefused
}

/**
 * Opens the connection of the driver: the hosts in turn, each with TLS as sslmode says.
 * @param tried how often this connection was tried before; the next try begins with the next host
 * @returns a stream that is connected, or one that ends with the error of the host that was tried last
 */
export async function dial({ hosts, tls, connectTimeout }: Target, tried: number): Promise<Duplex> {
  let last: unknown
  for (const at of hosts.keys()) {
    const host = hosts[(at + tried) % hosts.length]
    if (!host) continue
    try {
      return await dialHost(host, tls, connectTimeout * 1000)
    } catch (error) {
      last = error
    }
  }
  return failed(last)
}

/** The driver learns of an error by the events of a stream, for which it listens when it has the stream. */
function failed(error: unknown): Duplex {
  const socket = new Socket()
  setImmediate(() => socket.destroy(error instanceof Error ? error : new Error(String(error))))
  return socket
}

async function dialHost(host: Host, tls: Tls, limitMs: number): Promise<Duplex> {
  // A Unix socket has no TLS, as in libpq.
  if (tls.mode === 'disable' || host.socket !== undefined) return open(host, limitMs)
  const isOptional = tls.mode === 'prefer' || tls.mode === 'allow'
  const socket = await open(host, limitMs)
  try {
    return await within(limitMs, socket, host, async () => {
      const answer = tls.isDirect ? 'S' : await askForTls(socket)
      if (answer === 'S') return secured(socket, host, tls)
      if (isOptional && answer === 'N') return socket
      throw new TlsRefused(`the PostgreSQL server at ${nameOf(host)} takes no TLS, and sslmode=${tls.mode} needs it`)
    })
  } catch (error) {
    socket.destroy()
    if (!isOptional) throw error
    return open(host, limitMs)
  }
}

const nameOf = ({ name, port, socket }: Host): string => socket ?? `${isIP(name) === 6 ? `[${name}]` : name}:${port}`

async function open(host: Host, limitMs: number): Promise<Socket> {
  const { name, address, port, socket: path } = host
  const socket = path === undefined ? connect({ host: address ?? name, port }) : connect({ path })
  // The driver names them in its errors.
  Object.assign(socket, { host: path ?? name, port })
  return within(limitMs, socket, host, async () => {
    await eventOf(socket, 'connect')
    return socket
  })
}

/** Ends a socket with which nothing is done within the limit, as the driver does. */
async function within<Result>(
  limitMs: number,
  socket: Socket,
  host: Host,
  work: () => Promise<Result>,
): Promise<Result> {
  const late = () => {
    const error = new Error(`no connection to ${nameOf(host)} within ${limitMs / 1000} s`)
    socket.destroy(Object.assign(error, { code: 'CONNECT_TIMEOUT' }))
  }
  const timer = limitMs === 0 ? undefined : setTimeout(late, limitMs)
  try {
    return await work()
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Waits for an event.
 * @throws the error of the stream, or one for a stream that closes before
 */
async function eventOf(stream: Duplex, name: string): Promise<unknown[]> {
  const settled = new AbortController()
  const { signal } = settled
  const closed = once(stream, 'close', { signal }).then(() => {
    throw Object.assign(new Error('the server closed the connection'), { code: 'CONNECTION_CLOSED' })
  })
  try {
    return await Promise.race([once(stream, name, { signal }), closed])
  } finally {
    settled.abort()
  }
}

/** The request for TLS, and the answer: `S` for yes, `N` for no. */
async function askForTls(socket: Socket): Promise<string> {
  const request = Buffer.alloc(8)
  request.writeInt32BE(8, 0)
  request.writeInt32BE(80_877_103, 4)
  socket.write(request)
  const [data] = await eventOf(socket, 'data')
  // Anything behind the answer could have been put there by somebody in between, and would be taken as if it were encrypted.
  if (!Buffer.isBuffer(data) || data.length !== 1)
    throw new TlsRefused('the server sends more than an answer to the request for TLS')
  return data.toString('latin1')
}

async function secured(
  socket: Socket,
  host: Host,
  { mode, isDirect, ca, cert, key, passphrase }: Tls,
): Promise<Duplex> {
  const verifies = mode === 'verify-full' || mode === 'verify-ca' || (mode === 'require' && ca !== undefined)
  // Without certificates of one's own, every authority of the world would do, so that the name must fit.
  const comparesName = mode === 'verify-full' || ca === undefined
  const encrypted = connectTls({
    socket,
    ca,
    cert,
    key,
    passphrase,
    ...(isIP(host.name) === 0 && { servername: host.name }),
    ...(isDirect && { ALPNProtocols: ['postgresql'] }),
    host: host.name,
    rejectUnauthorized: verifies,
    ...(!comparesName && { checkServerIdentity: () => undefined }),
  })
  Object.assign(encrypted, { host: host.name, port: host.port })
  try {
    await eventOf(encrypted, 'secureConnect')
    return encrypted
  } catch (error) {
    if (isOfNetwork(error)) throw error
    const why = `TLS with the PostgreSQL server at ${nameOf(host)} fails under sslmode=${mode}: ${errorText(error)}`
    throw new TlsRefused(why, { cause: error })
  }
}

const ofNetwork = z.object({
  code: z.enum(['CONNECTION_CLOSED', 'CONNECT_TIMEOUT', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT']),
})

const isOfNetwork = (error: unknown): boolean => ofNetwork.safeParse(error).success
