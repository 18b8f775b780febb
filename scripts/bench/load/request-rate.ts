import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

interface Load {
  connections: number
  /** The duration of the measurement, in milliseconds. */
  ms: number
  headers?: Record<string, string>
}

/**
 * Sends GET requests over keep-alive connections, one request at a time on each. Counts bytes instead of parsing HTTP,
 * since the load generator must use less CPU time than the server.
 * @returns requests per second
 * @throws Error when a response is not a 200 with a Content-Length, or when the server closes a connection
 */
export async function measureRequestRate(url: string, { connections, ms, headers = {} }: Load): Promise<number> {
  const { hostname, port, host, pathname } = new URL(url)
  const head = Object.entries({ Host: host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  const request = `GET ${pathname} HTTP/1.1\r\n${head.join('')}\r\n`
  const sockets = await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true })
      await once(socket, 'connect')
      return socket
    }),
  )
  const began = performance.now()
  const counts = await Promise.all(sockets.map((socket) => repeat(socket, request, began + ms)))
  const took = performance.now() - began
  for (const socket of sockets) socket.destroy()
  return (counts.reduce((sum, count) => sum + count) * 1000) / took
}

const repeat = (socket: Socket, request: string, until: number): Promise<number> =>
  new Promise((resolve, reject) => {
    let [count, left, previous] = [0, 0, 0]
    socket.on('data', (chunk: Buffer) => {
      // Fast path: most responses are as long as the one before and arrive in one chunk.
      if (left === 0) left = chunk.length === previous ? previous : lengthOf(chunk)
      if (left >= chunk.length) previous = left
      left -= chunk.length
      if (left > 0) return
      if (left !== 0) return reject(new Error(`unexpected response: ${chunk.toString('latin1', 0, 500)}`))
      count += 1
      if (performance.now() > until) resolve(count)
      else socket.write(request)
    })
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('the server closed the connection')))
    socket.write(request)
  })

/** Returns the length of a response in bytes, head and body, from its first chunk. Returns -1 when it is not a 200. */
function lengthOf(chunk: Buffer): number {
  const head = chunk.toString('latin1', 0, chunk.indexOf('\r\n\r\n') + 4)
  const [, length] = /^HTTP\/1\.1 200 .*?\r\ncontent-length: (\d+)\r\n/is.exec(head) ?? []
  return length === undefined ? -1 : head.length + Number(length)
}
