import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** The most requests of a connection that wait; the connection is not read while so many wait. */
const mostWaiting = 8

/**
 * Runs the requests of one connection one after another. HTTP/1.1 lets a client send further requests before it has read
 * the first response, and Node starts all of them at once: a few connections would fill the pool of the database, and
 * their responses would stay in memory until the client reads them.
 * @returns a listener that calls `listener` for a request when the response before it has left the process
 */
export function oneAtATime(listener: (incoming: IncomingMessage, outgoing: ServerResponse) => void): RequestListener {
  const queues = new WeakMap<Socket, (() => void)[]>()
  return (incoming, outgoing) => {
    const { socket } = incoming
    const running = queues.get(socket)
    const queue = running ?? []
    const start = () => {
      outgoing.once('close', next)
      listener(incoming, outgoing)
    }
    const next = () => {
      const following = queue.shift()
      if (socket.destroyed || !following) return void queues.delete(socket)
      if (queue.length === mostWaiting - 1) socket.resume()
      following()
    }
    if (!running) {
      queues.set(socket, queue)
      start()
    } else if (queue.push(start) >= mostWaiting) socket.pause()
  }
}
