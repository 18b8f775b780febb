import { once } from 'node:events'
import { launch } from '../stress/servers.ts'

/** A server process to be killed, frozen and started again, on the same port. */
export interface Server {
  url: string
  /** Lines of its log that tell of a bug. */
  errors: string[]
  kill: () => Promise<void>
  /** SIGTERM, and its exit code. */
  stop: () => Promise<number | null>
  freeze: () => void
  thaw: () => void
  start: () => Promise<void>
}

/** After so long a transaction of a frozen server is ended by the database. */
const frozenTransactionSeconds = 8

/** Starts a server. */
export async function startServer(dbUrl: string, folder: string): Promise<Server> {
  const errors: string[] = []
  const env = { JOBS_STATEMENT_TIMEOUT_SECONDS: String(frozenTransactionSeconds) }
  let { child, url } = await launch({ dbUrl, folder, port: '0', errors, env })
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
    const gone = once(child, 'exit')
    child.kill(signal)
    await gone
    return child.exitCode
  }
  return {
    url,
    errors,
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async start() {
      if (child.exitCode === null && child.signalCode === null) return
      child = (await launch({ dbUrl, folder, port: new URL(url).port, errors, env })).child
    },
  }
}
