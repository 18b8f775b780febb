import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/** The most requests of a connection that wait; the server does not read from the connection while that number waits. */
const mostWaiting = 8

/** A connection with a request that runs. */
interface Busy {
  /** Begins each of the requests that wait. */
  waiting: (() => void)[]
  /** The last request that has come. */
  latest: IncomingMessage
}

interface Turns {
  /** Calls the listener for a request when the response before it has left the process. */
  listener: RequestListener
  /** Runs `end`, which ends the connection after what is no request, after the responses to the requests before it. */
  afterResponses: (socket: Duplex, end: () => void) => void
}

/**
 * Runs the requests of one connection one after another. HTTP/1.1 lets a client send further requests before it has read the first
 * response, and Node starts all of them at once. A few connections would fill the pool of the database, and their responses would stay in
 * memory until the client reads them.
 */
export function oneAtATime(run: (incoming: IncomingMessage, outgoing: ServerResponse) => void): Turns {
  const busy = new WeakMap<Duplex, Busy>()
  const listener: RequestListener = (incoming, outgoing) => {
    const { socket } = incoming
    const running = busy.get(socket)
    const connection = running ?? { waiting: [], latest: incoming }
    const { waiting } = connection
    const start = () => {
      outgoing.once('close', next)
      run(incoming, outgoing)
    }
    const next = () => {
      const following = waiting.shift()
      if (socket.destroyed || !following) return void busy.delete(socket)
      if (waiting.length === mostWaiting - 1) socket.resume()
      following()
    }
    connection.latest = incoming
    if (!running) {
      busy.set(socket, connection)
      start()
    } else if (waiting.push(start) >= mostWaiting) socket.pause()
  }
  return {
    listener,
    afterResponses(socket, end) {
      const connection = busy.get(socket)
      if (!connection) return end()
      const { waiting, latest } = connection
      // A request whose own body is broken is never answered by its endpoint.
      if (!latest.complete && waiting.pop() === undefined) return end()
      socket.pause()
      waiting.push(end)
    },
  }
}
