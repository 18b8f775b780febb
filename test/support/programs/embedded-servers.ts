import { afterEach } from 'vitest'
import { call } from '../http.ts'
import { until } from '../poll.ts'
import { type ServerProcess, spawnServer } from './spawn-server.ts'

export const key = 'key-of-the-tests'

/** An embedded database that has trouble is told, ended or opened again within this time, in milliseconds, on a slow machine, too. */
export const longMs = 90_000

/** What starts servers on embedded databases for the tests of a `describe`, and ends them after each test. */
export function embeddedServers() {
  const cleanUps: (() => unknown)[] = []
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
  })

  async function spawn(env: Record<string, string>): Promise<ServerProcess> {
    const server = await spawnServer({ SINGLE_USER_API_KEY: key, JOBS_EMBEDDED_FSYNC: 'false', ...env })
    cleanUps.push(() => server.kill())
    return server
  }
  return { spawn, cleanUps }
}

/** Waits until a server is ready. */
export const isReady = ({ url }: { url: string }) =>
  until('the server is ready', async () => (await call({ url, method: 'GET', path: '/readyz' })).status === 200, longMs)
