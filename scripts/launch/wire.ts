import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** How a connection ends: with a goodbye of TCP (FIN), or with a reset (RST). */
type Ending = 'closed' | 'reset'

/** A TCP proxy in front of a database, whose connections can be cut and slowed down. */
export interface Wire {
  url: string
  /** Ends all connections on the client's side. */
  cut: (how: Ending) => void
  /**
   * Resets the connection that carries the `nth` message (from 1) that any client sends from now on, before or after
   * the database gets this message. Undefined cuts nothing.
   */
  cutAt: (cut: { nth: number; when: 'before' | 'after' } | undefined) => void
  /** Accepts each new connection and ends it at once, until `refuse` is called with undefined. */
  refuse: (how: Ending | undefined) => void
  /** Delays each message in both directions by as many milliseconds as `latency` returns. */
  slow: (latency: () => number) => void
  /** How many bytes the client has sent so far. */
  sent: () => number
  stop: () => Promise<void>
}

interface WireOptions {
  /** Called for each connection; the function that it returns gets every chunk of bytes that the client sends. */
  watch?: () => (chunk: Buffer) => void
}

/** Stands between a client and the database at `url`, and passes on every byte. */
export async function wireTo(url: string, { watch }: WireOptions = {}): Promise<Wire> {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  let sent = 0
  let next: { nth: number; when: 'before' | 'after' } | undefined
  let latency = () => 0
  let refusal: Ending | undefined
  const server = createServer((near) => {
    if (refusal) {
      near.resume().on('error', () => {})
      end(near, refusal)
      return
    }
    const far = connect(Number(target.port), target.hostname)
    const toFar = inOrder(far, () => latency())
    const toNear = inOrder(near, () => latency())
    const watchConnection = watch?.()
    near.on('data', (message) => {
      sent += message.length
      watchConnection?.(message)
      if (next) next = { ...next, nth: next.nth - 1 }
      if (next?.nth !== 0) return toFar(message)
      if (next.when === 'after') far.write(message)
      next = undefined
      near.resetAndDestroy()
    })
    near.on('end', () => toFar(undefined)).on('error', () => near.destroy())
    far.on('data', toNear)
    far.on('end', () => toNear(undefined)).on('error', () => far.destroy())
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
    cutAt: (cut) => {
      next = cut
    },
    refuse: (how) => {
      refusal = how
    },
    slow: (given) => {
      latency = given
    },
    cut: (how) => {
      for (const socket of sockets) end(socket, how)
    },
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

const end = (socket: Socket, how: Ending) => (how === 'closed' ? socket.end() : socket.resetAndDestroy())

/**
 * Passes messages on at once, or each after its delay, as a long way would: a message never overtakes an earlier one, and the end,
 * which is undefined, comes last. A side that has ended reads nothing more.
 */
function inOrder(to: Socket, latency: () => number): (message: Buffer | undefined) => void {
  const underway: { message: Buffer | undefined; due: number }[] = []
  const arrive = (): void => {
    const [first] = underway
    if (!first) return
    const left = first.due - performance.now()
    if (left > 0) return void setTimeout(arrive, left)
    if (first.message === undefined) to.end()
    else if (to.writable) to.write(first.message)
    underway.shift()
    arrive()
  }
  return (message) => {
    underway.push({ message, due: performance.now() + latency() })
    if (underway.length === 1) arrive()
  }
}
