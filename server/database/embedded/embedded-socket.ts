import { Duplex } from 'node:stream'
import type { DatabaseThread } from './embedded-thread.ts'

/** The type byte of the message with which a client of PostgreSQL ends its session. */
const terminate = 'X'.charCodeAt(0)

/**
 * A stream that postgres.js takes for a network socket: it carries bytes to the database thread and the answers back.
 * It breaks with `errorOf(why)` when the thread ends.
 */
export function createEmbeddedSocket(thread: DatabaseThread, errorOf: (why: string) => Error): Duplex {
  const socket = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      // The embedded database has one session; the message that ends a session would end the database.
      if (chunk[0] !== terminate) thread.send(chunk)
      done()
    },
    final(done) {
      done()
      this.destroy()
    },
    destroy(error, done) {
      thread.receive(undefined)
      done(error)
    },
  })
  thread.receive((answer) => void socket.push(answer))
  void thread.ended.then((why) => socket.destroy(errorOf(why)))
  return Object.assign(socket, { readyState: 'open' })
}

/** A socket that is broken from the start: each statement on it fails with `error`. */
export function createBrokenSocket(error: Error): Duplex {
  const socket = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  setImmediate(() => socket.destroy(error))
  return Object.assign(socket, { readyState: 'open' })
}
