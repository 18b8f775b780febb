import { endServer, launchServer, memoryOf, urlOf } from '../../launch/server.ts'
import { type Api, connect } from './api.ts'

/** A running server process. */
export interface BenchServer {
  url: string
  api: Api
  /** Returns the resident memory of the process, in MiB. */
  memory: () => Promise<number>
  /** The resident memory when the server was ready and had served one call, in MiB. */
  memoryAtStart: number
  stop: () => Promise<void>
}

interface Start {
  /** The path of the built server. */
  program: string
  /** The folder of the log and of JOBS_DATA_DIR. */
  folder: string
  dbUrl: string
  /** Resolves when the server has made its tables, indexes and counts. */
  untilPrepared: () => Promise<void>
  /** Prints a line when the process ends without a call of `stop`. */
  logProgress: (message: string) => void
  env?: Record<string, string>
}

/**
 * Starts a server and waits until it is ready, and has served one call.
 * @throws Error with the end of its log when the server is not ready within three minutes
 */
export async function startServer({
  program,
  folder,
  dbUrl,
  untilPrepared,
  logProgress,
  env,
}: Start): Promise<BenchServer> {
  const server = launchServer({ program, folder, env: { JOBS_DB_URL: dbUrl, JOBS_DATA_DIR: folder, ...env } })
  const url = await urlOf(server)
  let stopping = false
  void server.ended.then((exit) => {
    if (!stopping) logProgress(`a server ended with ${exit}: ${server.text().slice(-1500)}`)
  })
  await untilPrepared()
  const api = connect(url)
  await api.get('/api/v1/jobs/stats')
  const memory = () => memoryOf(server.pid)
  return {
    ...{ url, api, memory, memoryAtStart: await memory() },
    async stop() {
      stopping = true
      await api.close()
      await endServer(server, 'SIGTERM')
    },
  }
}
