import { once } from 'node:events'
import type { Server } from 'node:http'

/** Where a fake server listens, until `stop` or the end of the test file breaks its connections. */
export interface Listening {
  url: string
  port: number
  stop: () => Promise<void>
}

const listening = new Set<() => Promise<void>>()

/** Lets a fake server listen until its test file has ended, beside tests that run at the same time; port 0 is any free one. */
export async function listenForTest(server: Server, port: number): Promise<Listening> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const stop = async () => {
    listening.delete(stop)
    if (!server.listening) return
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  listening.add(stop)
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port')
  return { url: `http://127.0.0.1:${address.port}`, port: address.port, stop }
}

/** Ends the fake servers that still listen. */
export async function endFakes(): Promise<void> {
  await Promise.all([...listening].map((stop) => stop()))
}
