import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Ports that no system gives to a connection by itself. From the others, a connection of any process may take the port
 * before a program listens on it, or while PostgreSQL is away.
 */
const ports = { first: 20_000, count: 12_000 }

/** Returns a TCP port of 127.0.0.1 on which no process listens. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = ports.first + Math.floor(Math.random() * ports.count)
    const server = createServer().listen(port, '127.0.0.1')
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    )
    server.close()
    if (isFree) return port
  }
  throw new Error('127.0.0.1 has no free port')
}
