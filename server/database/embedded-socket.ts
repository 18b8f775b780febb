import { Duplex } from 'node:stream'
import type { Worker } from 'node:worker_threads'

/** The type byte of the message with which a client of PostgreSQL ends its session. */
const terminate = 'X'.charCodeAt(0)

/**
 * A stream that postgres.js takes for a network socket: it carries bytes to the database thread and the answers back.
 * It breaks with the thread's error.
 */
export function createEmbeddedSocket(worker: Worker): Duplex {
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      // The embedded database has one session; the message that ends a session would end the database.
      if (chunk[0] !== terminate) worker.postMessage(chunk)
      done()
    },
    final(done) {
      done()
      this.destroy()
    },
    destroy(error, done) {
      worker.off('message', receive).off('error', fail)
      done(error)
    },
  })
  const receive = (answer: Uint8Array) => void socket.push(answer)
  const fail = (error: unknown) => void socket.destroy(error instanceof Error ? error : new Error(String(error)))
  worker.on('message', receive).on('error', fail)
  return Object.assign(socket, { readyState: 'open' })
}
