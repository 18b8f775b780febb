import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A proxy in front of a server, as a browser sees it. */
export interface PathProxy {
  origin: string
  stop: () => void
}

/**
 * Starts a proxy that hands requests on with the name of the server as `Host`.
 * @param target the address of the server, read for each request
 * @param cut a base path that the proxy takes away; blank where it keeps all paths
 */
export async function startPathProxy(target: () => string, cut = ''): Promise<PathProxy> {
  const server = createServer((asked, answer) => {
    const { hostname, port } = new URL(target())
    const path = (asked.url ?? '').startsWith(`${cut}/`) ? (asked.url ?? '').slice(cut.length) : asked.url
    const headers = { ...asked.headers, host: `${hostname}:${port}` }
    const onward = request({ hostname, port, path, method: asked.method, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(answer)
    })
    onward.on('error', () => answer.destroy())
    answer.on('close', () => onward.destroy())
    asked.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://localhost:${port}`,
    stop: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
