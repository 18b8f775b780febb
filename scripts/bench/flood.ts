import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/**
 * Requests in a second over so many connections that stay open, each with one request at a time. It counts bytes
 * instead of reading HTTP, since whatever makes the load must have less to do than the server.
 */
export async function flood(url: string, connections: number, ms: number): Promise<number> {
  const { hostname, port, host, pathname } = new URL(url)
  const request = `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\n\r\n`
  const sockets = await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true })
      await once(socket, 'connect')
      return socket
    }),
  )
  const [first] = sockets
  if (!first) throw new Error('a flood needs connections')
  const length = await answerLength(first, request)
  const began = performance.now()
  const counts = await Promise.all(sockets.map((socket) => repeat(socket, { request, length, until: began + ms })))
  const took = performance.now() - began
  for (const socket of sockets) socket.destroy()
  return (counts.reduce((sum, count) => sum + count) * 1000) / took
}

/** All answers of a server have the length of this one: dates and ids are as long as others of their kind. */
async function answerLength(socket: Socket, request: string): Promise<number> {
  socket.write(request)
  const [chunk]: unknown[] = await once(socket, 'data')
  const answer = String(chunk)
  if (!answer.startsWith('HTTP/1.1 200') || !answer.includes('{"status":"ok"}')) throw new Error(`answered: ${answer}`)
  return Buffer.byteLength(answer)
}

interface Repeat {
  request: string
  length: number
  until: number
}

const repeat = (socket: Socket, { request, length, until }: Repeat): Promise<number> =>
  new Promise((resolve, reject) => {
    let [count, left] = [0, length]
    socket.on('data', (chunk: Buffer) => {
      left -= chunk.length
      if (left > 0) return
      if (left < 0) return reject(new Error('an answer is longer than the first'))
      count += 1
      left = length
      if (performance.now() > until) resolve(count)
      else socket.write(request)
    })
    socket.once('error', reject)
    socket.once('close', () => reject(new Error('the server hung up')))
    socket.write(request)
  })
