import { once } from 'node:events'
import type { Server } from 'node:http'
import { onTestFinished } from 'vitest'

/** Where a fake server listens, until `stop` or the end of the test breaks its connections. */
export interface Listening {
  url: string
  port: number
  stop: () => Promise<void>
}

/** Lets a fake server listen until its test has ended; port 0 is any free one. */
export async function listenForTest(server: Server, port: number): Promise<Listening> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const stop = async () => {
    if (!server.listening) return
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  onTestFinished(stop)
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port')
  return { url: `http://127.0.0.1:${address.port}`, port: address.port, stop }
}
