import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A way to a database that can be cut. */
export interface Wire {
  url: string
  /** Ends all connections on the client's side: with a goodbye of TCP, or with a reset. */
  cut: (how: 'closed' | 'reset') => void
  /** How many bytes the client has sent so far. */
  sent: () => number
  stop: () => Promise<void>
}

interface WireOptions {
  /** Called for each connection; what it returns is given every chunk of bytes that the client sends. */
  watch?: () => (chunk: Buffer) => void
}

/** Stands between a client and the database at `url`, and passes on every byte. */
export async function wireTo(url: string, { watch }: WireOptions = {}): Promise<Wire> {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  let sent = 0
  const server = createServer((near) => {
    const far = connect(Number(target.port), target.hostname)
    const watching = watch?.()
    near.on('data', (chunk) => {
      sent += chunk.length
      watching?.(chunk)
    })
    near.pipe(far).on('error', () => near.destroy())
    far.pipe(near).on('error', () => far.destroy())
    near.on('close', () => {
      sockets.delete(near)
      far.destroy()
    })
    sockets.add(near)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    url: Object.assign(new URL(url), { port: String(port) }).href,
    sent: () => sent,
    cut: (how) => {
      for (const socket of sockets) how === 'closed' ? socket.end() : socket.resetAndDestroy()
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
