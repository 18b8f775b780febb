import { afterEach } from 'vitest'
import { call } from '../http.ts'
import { until } from '../poll.ts'
import { type ServerProcess, spawnServer } from './spawn-server.ts'

/** The server processes of the tests around the call: those of `running` are killed after each test. */
export function readyServers(defaults: Record<string, string> = {}) {
  const running: ServerProcess[] = []
  const killAll = () => Promise.all(running.splice(0).map((server) => server.kill()))
  afterEach(killAll)
  /** Starts a server, and waits until it is ready. */
  const spawnReady = async (env: Record<string, string>): Promise<ServerProcess> => {
    const server = await spawnServer({ ...defaults, ...env })
    running.push(server)
    const { url } = server
    await until('the server is ready', async () => (await call({ url, method: 'GET', path: '/readyz' })).status === 200)
    return server
  }
  return { running, killAll, spawnReady }
}
