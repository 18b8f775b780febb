import { createServer, type IncomingHttpHeaders } from 'node:http'
import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { type Listening, listenForTest } from './listen-for-test.ts'

/** A CONNECT as a proxy has read it. */
interface Asked {
  /** The host and port of the server. */
  to: string | undefined
  headers: IncomingHttpHeaders
}

/** What a proxy does with a CONNECT: a port of this machine to which it opens a tunnel, a status, or silence. */
type Does = { port: number } | { status: number } | 'silence' | 'close'

export interface ConnectProxy extends Listening {
  /** What the proxy was asked for; other requests than CONNECT are in it as well. */
  asked: Asked[]
  /** The connections that are open. */
  sockets: Set<Socket>
}

/** A proxy for one test. Every name is known to it. */
export async function connectProxy(does: Does): Promise<ConnectProxy> {
  const asked: Asked[] = []
  const sockets = new Set<Socket>()
  const server = createServer(({ url, headers }, outgoing) => {
    asked.push({ to: url, headers })
    outgoing.end()
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
  })
  server.on('connect', ({ url, headers }, socket) => {
    asked.push({ to: url, headers })
    if (does === 'silence') return socket.resume().on('end', () => socket.end())
    if (does === 'close') return socket.end()
    if ('status' in does) return socket.end(`HTTP/1.1 ${does.status} No\r\ncontent-length: 0\r\n\r\n`)
    const onward = connect(does.port, '127.0.0.1')
    socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
    onward.on('error', () => socket.destroy()).pipe(socket)
    socket.on('close', () => onward.destroy()).pipe(onward)
  })
  const listening = await listenForTest(server, 0)
  const stop = async () => {
    for (const socket of sockets) socket.destroy()
    await listening.stop()
  }
  onTestFinished(stop)
  return { ...listening, asked, sockets, stop }
}
