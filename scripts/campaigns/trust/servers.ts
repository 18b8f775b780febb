import { once } from 'node:events'
import { launch } from '../stress/servers.ts'

/** A server process that can be killed, suspended and restarted on the same port. */
export interface Server {
  url: string
  /** Log lines of level error. */
  errors: string[]
  /** Sends SIGKILL and waits for the exit. */
  kill: () => Promise<void>
  /** Sends SIGTERM and returns the exit code, or null when a signal ended the process. */
  stop: () => Promise<number | null>
  /** Sends SIGSTOP. */
  suspend: () => void
  /** Sends SIGCONT. */
  resume: () => void
  /** Starts the process if it does not run, and waits until it is ready. */
  start: () => Promise<void>
}

/** The time after which PostgreSQL ends a transaction of a suspended server, in seconds. */
const statementTimeoutSeconds = 8

/** Starts a server process on the database at `dbUrl` with its files in `folder`, and waits until it is ready. */
export async function startServer(dbUrl: string, folder: string): Promise<Server> {
  const errors: string[] = []
  const env = { JOBS_STATEMENT_TIMEOUT_SECONDS: String(statementTimeoutSeconds) }
  let { child, url } = await launch({ dbUrl, folder, port: '0', errors, env })
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
    return child.exitCode
  }
  return {
    url,
    errors,
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
    suspend: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async start() {
      if (child.exitCode === null && child.signalCode === null) return
      child = (await launch({ dbUrl, folder, port: new URL(url).port, errors, env })).child
    },
  }
}
