import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { apiKey } from './actors/caller.ts'

const program = fileURLToPath(new URL('../../../dist/server/main.js', import.meta.url))

/** The time in which a killed server did not run, in milliseconds since 1970. `server` is its base URL. */
export interface Outage {
  server: string
  from: number
  to: number
}

/** A server process that can be killed and restarted on the same port. */
export interface Server {
  url: string
  outages: Outage[]
  /** Log lines of level error, and unexpected exits. */
  errors: string[]
  /** The id of the process that runs now. */
  pid: () => number | undefined
  /** Sends a signal, waits for the end of the process and for `pauseMs` milliseconds, and starts the server again. */
  killAndRestart: (pauseMs: number, signal?: 'SIGKILL' | 'SIGTERM') => Promise<void>
  /** Sends SIGTERM and returns the exit code, or null when a signal ended the process. */
  stop: () => Promise<number | null>
}

/** A process that is ready, and its base URL. */
export interface Started {
  child: ChildProcess
  url: string
}

/**
 * Starts a server on the database at `dbUrl` with its log in `folder`, and waits until it is ready. `env` are more variables.
 */
export async function startServer(dbUrl: string, folder: string, env: Record<string, string> = {}): Promise<Server> {
  const errors: string[] = []
  let running = await launch({ dbUrl, folder, port: '0', errors, env })
  const { url } = running
  const outages: Outage[] = []
  let expectExit = false
  /** Records an unexpected exit as an error and restarts the server, so that the campaign continues. */
  const watch = ({ child }: Started) =>
    child.once('exit', async (code) => {
      if (expectExit) return
      errors.push(`the server exited unexpectedly with ${code}`)
      running = await launch({ dbUrl, folder, port: new URL(url).port, errors, env })
      watch(running)
    })
  watch(running)
  return {
    url,
    outages,
    errors,
    pid: () => running.child.pid,
    async killAndRestart(pauseMs, signal = 'SIGKILL') {
      const from = Date.now()
      expectExit = true
      const exited = once(running.child, 'exit')
      running.child.kill(signal)
      const [code] = await exited
      if (signal === 'SIGTERM' && code !== 0) errors.push(`the server exited with ${code} after SIGTERM`)
      await wait(pauseMs)
      running = await launch({ dbUrl, folder, port: new URL(url).port, errors, env })
      expectExit = false
      watch(running)
      outages.push({ server: url, from, to: Date.now() })
    },
    async stop() {
      expectExit = true
      const { child } = running
      if (child.exitCode !== null) return child.exitCode
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
      return child.exitCode
    },
  }
}

interface Launch {
  dbUrl: string
  folder: string
  /** A TCP port, or `0` for a free one. */
  port: string
  /** Receives the log lines of level error. */
  errors: string[]
  /** Additional environment variables. */
  env?: Record<string, string>
}

/**
 * Starts the built server and waits until it is ready. It ends with this process.
 * @throws Error when the server exits before it is ready
 */
export async function launch({ dbUrl, folder, port, errors, env }: Launch): Promise<Started> {
  const child = spawn(process.execPath, [program], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      ...{ PORT: port, JOBS_DB_URL: dbUrl, JOBS_DATA_DIR: folder, SINGLE_USER_API_KEY: apiKey },
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const end = () => child.kill('SIGKILL')
  process.once('exit', end)
  child.once('exit', () => process.off('exit', end))
  const log = createWriteStream(join(folder, `server-${child.pid}.log`))
  child.stdout.pipe(log)
  let url: string | undefined
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`a server exited with ${code}: ${errors.join('\n')}`)))
    createInterface(child.stdout).on('line', (line) => {
      url ??= /"listening on (http:[^"]+)"/.exec(line)?.[1]
      if (line.includes('"level":"error"')) errors.push(line)
      if (url !== undefined && line.includes('"message":"ready"')) resolve({ child, url })
    })
  })
}
