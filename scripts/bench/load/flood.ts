import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

interface Flood {
  connections: number
  ms: number
  headers?: Record<string, string>
}

/**
 * Requests in a second over so many connections that stay open, each with one request at a time. It counts bytes
 * instead of reading HTTP, since whatever makes the load must have less to do than the server.
 */
export async function flood(url: string, { connections, ms, headers = {} }: Flood): Promise<number> {
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
    let [count, left, usual] = [0, 0, 0]
    socket.on('data', (chunk: Buffer) => {
      // Most answers are as long as the one before, and come whole.
      if (left === 0) left = chunk.length === usual ? usual : lengthOf(chunk)
      if (left >= chunk.length) usual = left
      left -= chunk.length
      if (left > 0) return
      if (left !== 0) return reject(new Error(`not one answer: ${chunk.toString('latin1', 0, 500)}`))
      count += 1
      if (performance.now() > until) resolve(count)
      else socket.write(request)
    })
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('the server hung up')))
    socket.write(request)
  })

/** Of an answer, from its first bytes: its head and its body. Negative where it is no good one. */
function lengthOf(chunk: Buffer): number {
  const head = chunk.toString('latin1', 0, chunk.indexOf('\r\n\r\n') + 4)
  const [, length] = /^HTTP\/1\.1 200 .*?\r\ncontent-length: (\d+)\r\n/is.exec(head) ?? []
  return length === undefined ? -1 : head.length + Number(length)
}
