import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A way to a server on which its machine can seem to hang: no connection breaks, and nothing is answered. */
export interface HangingWay {
  url: string
  hang: () => void
  goOn: () => void
  close: () => void
}

/** Opens a way to the server at `url`, whose port on this machine is another one. */
export async function openHangingWay(url: string): Promise<HangingWay> {
  const { hostname, port } = new URL(url)
  const sockets = new Set<Socket>()
  let hangs = false
  const hold = (held: boolean) => {
    hangs = held
    for (const socket of sockets)
      if (held) socket.pause()
      else socket.resume()
  }
  const server = createServer((from) => {
    const to = connect(Number(port), hostname)
    for (const [one, other] of [
      [from, to],
      [to, from],
    ] as const) {
      sockets.add(one)
      one.on('data', (bytes) => other.write(bytes))
      one.on('error', () => {})
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
      if (hangs) one.pause()
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('it listens on no port')
  const way = Object.assign(new URL(url), { hostname: '127.0.0.1', port: String(address.port) })
  const close = () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return { url: way.href, hang: () => hold(true), goOn: () => hold(false), close }
}
