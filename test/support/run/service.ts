import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'

/** The name of the socket in the folder of the run. */
export const socketName = 'run.sock'

/** Makes each thing that test files share, by its name. A maker returns text: a URL, a path or a name. */
export type Makers = Record<string, () => Promise<string>>

/** The response to the name of a thing, as JSON. */
export type Reply = { value: string } | { error: string }

export interface Service {
  /** Makes these things again when a test file asks for them the next time. */
  forget: (...names: string[]) => void
  /** Waits for the things that are being made, and ends all connections. */
  stop: () => Promise<void>
}

/**
 * Listens on a Unix socket at `path`. A client sends the name of a thing as a line, and reads one line. The first client has the thing made, and all other clients get the same one.
 */
export async function serve(path: string, makers: Makers): Promise<Service> {
  const made = new Map<string, Promise<string>>()
  const sockets = new Set<Socket>()
  const make = (name: string): Promise<string> => {
    const making = made.get(name) ?? (makers[name] ?? (() => unknown(name)))()
    made.set(name, making)
    return making
  }
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    createInterface(socket).once('line', (name) => void reply(socket, make(name)))
  })
  server.listen(path)
  await once(server, 'listening')
  return {
    forget: (...names) => {
      for (const name of names) made.delete(name)
    },
    stop: async () => {
      server.close()
      await Promise.allSettled(made.values())
      for (const socket of sockets) socket.destroy()
    },
  }
}

async function reply(socket: Socket, making: Promise<string>): Promise<void> {
  const result: Reply = await making.then(
    (value) => ({ value }),
    (error: unknown) => ({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  )
  socket.end(`${JSON.stringify(result)}\n`)
}

async function unknown(name: string): Promise<never> {
  throw new Error(`the test run has no maker for ${name}`)
}
