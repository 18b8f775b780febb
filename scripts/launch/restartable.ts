import { setTimeout as wait } from 'node:timers/promises'
import { type Exit, endServer, errorsOf, launchServer, type ServerProcess, urlOf } from './server.ts'

/** The time in which a server that got a signal did not run, in milliseconds since 1970. `server` is its base URL. */
export interface Outage {
  server: string
  from: number
  to: number
}

/** A server whose process can be ended and started again on the same port. */
export interface Server {
  url: string
  outages: Outage[]
  /** Returns the lines of level error in its logs, and its unexpected exits. */
  errors: () => string[]
  /** The id of the process that runs now, or ran last. */
  pid: () => number
  /** Sends a signal, such as SIGSTOP, to the process that runs. */
  signal: (name: NodeJS.Signals) => void
  /** Ends the process by a signal. Returns how it ended. */
  end: (signal: 'SIGKILL' | 'SIGTERM') => Promise<Exit>
  /** Starts a process where none runs, and waits until it is ready. */
  start: () => Promise<void>
  /** Ends the process, waits for `pauseMs` milliseconds, and starts it again. */
  restart: (pauseMs: number, signal?: 'SIGKILL' | 'SIGTERM') => Promise<void>
}

/** Starts a server on the database at `dbUrl` with its logs in `folder`, and waits until it is ready. `env` are more variables. */
export async function startServer(dbUrl: string, folder: string, env: Record<string, string> = {}): Promise<Server> {
  const launch = (port: string) =>
    launchServer({ folder, env: { PORT: port, JOBS_DB_URL: dbUrl, JOBS_DATA_DIR: folder, ...env } })
  let running = launch('0')
  const lives = [running]
  const url = await urlOf(running)
  const outages: Outage[] = []
  const faults: string[] = []
  /** Since when no process runs because of a signal. */
  let awaySince: number | undefined
  /** Records an unexpected exit as a fault and starts the server again, so that the campaign continues. */
  const watch = async (server: ServerProcess) => {
    const exit = await server.ended
    if (awaySince !== undefined) return
    faults.push(`the server exited unexpectedly with ${exit}`)
    await begin()
  }
  const begin = async () => {
    running = launch(new URL(url).port)
    lives.push(running)
    await urlOf(running)
    if (awaySince !== undefined) outages.push({ server: url, from: awaySince, to: Date.now() })
    awaySince = undefined
    void watch(running)
  }
  void watch(running)
  const end = async (signal: 'SIGKILL' | 'SIGTERM') => {
    awaySince ??= Date.now()
    const exit = await endServer(running, signal)
    if (signal === 'SIGTERM' && exit !== 0) faults.push(`the server exited with ${exit} after SIGTERM`)
    return exit
  }
  const start = async () => {
    if (running.hasEnded()) await begin()
  }
  return {
    ...{ url, outages, end, start },
    errors: () => [...faults, ...lives.flatMap(errorsOf)],
    pid: () => running.pid,
    signal: (name) => running.signal(name),
    async restart(pauseMs, signal = 'SIGKILL') {
      await end(signal)
      await wait(pauseMs)
      await start()
    },
  }
}
