import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** The most requests of a connection that wait; the connection is not read while so many wait. */
const mostWaiting = 8

interface Turns {
  /** Calls the listener for a request when the response before it has left the process. */
  listener: RequestListener
  /** Runs `end`, which ends the connection after what is no request, after the responses to the requests before it. */
  afterResponses: (socket: Duplex, end: () => void) => void
}

/**
 * Runs the requests of one connection one after another. HTTP/1.1 lets a client send further requests before it has read
 * the first response, and Node starts all of them at once: a few connections would fill the pool of the database, and
 * their responses would stay in memory until the client reads them.
 */
export function oneAtATime(run: (incoming: IncomingMessage, outgoing: ServerResponse) => void): Turns {
  const queues = new WeakMap<Duplex, (() => void)[]>()
  const latest = new WeakMap<Duplex, IncomingMessage>()
  const listener: RequestListener = (incoming, outgoing) => {
    const { socket } = incoming
    const running = queues.get(socket)
    const queue = running ?? []
    const start = () => {
      outgoing.once('close', next)
      run(incoming, outgoing)
    }
    const next = () => {
      const following = queue.shift()
      if (socket.destroyed || !following) return void queues.delete(socket)
      if (queue.length === mostWaiting - 1) socket.resume()
      following()
    }
    latest.set(socket, incoming)
    if (!running) {
      queues.set(socket, queue)
      start()
    } else if (queue.push(start) >= mostWaiting) socket.pause()
  }
  return {
    listener,
    afterResponses(socket, end) {
      const queue = queues.get(socket)
      // A request whose own body is broken is never answered by its endpoint.
      const isBroken = latest.get(socket)?.complete === false
      if (!queue || (isBroken && queue.length === 0)) return end()
      if (isBroken) queue.pop()
      socket.pause()
      queue.push(end)
    },
  }
}
