import type { Fetch } from '../../../../sdk/client.ts'

/** The URL that stands for whichever server `toAnyServer` picks. */
export const anyServer = 'http://any.invalid'

/** A `fetch` that sends each request to the next server in turn, as a balancer does. */
export function toAnyServer(servers: readonly string[]): Fetch {
  let count = Math.floor(Math.random() * servers.length)
  return (url, init) => fetch(url.replace(anyServer, servers[count++ % servers.length] ?? ''), init)
}
