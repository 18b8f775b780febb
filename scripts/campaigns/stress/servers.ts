import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { apiKey } from './actors/caller.ts'

const program = fileURLToPath(new URL('../../../dist/server/main.js', import.meta.url))

/** A time in which a server was away, in milliseconds. */
export interface Outage {
  server: string
  from: number
  to: number
}

/** A built server as a process that can be killed, and started again on the same port. */
export interface Server {
  url: string
  outages: Outage[]
  /** Lines of its log that tell of a bug. */
  errors: string[]
  /** `kill -9`, a pause, and another start. */
  killAndRestart: (pauseMs: number) => Promise<void>
  /** SIGTERM, and its exit code. */
  stop: () => Promise<number | null>
}

export interface Started {
  child: ChildProcess
  url: string
}

export async function startServer(dbUrl: string, folder: string): Promise<Server> {
  const errors: string[] = []
  let running = await launch({ dbUrl, folder, port: '0', errors })
  const { url } = running
  const outages: Outage[] = []
  let wanted = true
  /** One that ends by itself is a mistake, and comes back, so that the run goes on. */
  const watch = ({ child }: Started) =>
    child.once('exit', async (code) => {
      if (!wanted) return
      errors.push(`the server ended by itself, with ${code}`)
      running = await launch({ dbUrl, folder, port: new URL(url).port, errors })
      watch(running)
    })
  watch(running)
  return {
    url,
    outages,
    errors,
    async killAndRestart(pauseMs) {
      const from = Date.now()
      wanted = false
      const gone = once(running.child, 'exit')
      running.child.kill('SIGKILL')
      await gone
      await wait(pauseMs)
      running = await launch({ dbUrl, folder, port: new URL(url).port, errors })
      wanted = true
      watch(running)
      outages.push({ server: url, from, to: Date.now() })
    },
    async stop() {
      wanted = false
      const { child } = running
      if (child.exitCode !== null) return child.exitCode
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      await gone
      return child.exitCode
    },
  }
}

interface Launch {
  dbUrl: string
  folder: string
  port: string
  errors: string[]
  /** More of its environment. */
  env?: Record<string, string>
}

/** Starts a built server, and waits until it is ready. It ends with this process. */
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
    child.once('exit', (code) => reject(new Error(`a server ended with ${code}: ${errors.join('\n')}`)))
    createInterface(child.stdout).on('line', (line) => {
      url ??= /"listening on (http:[^"]+)"/.exec(line)?.[1]
      if (line.includes('"level":"error"')) errors.push(line)
      if (url !== undefined && line.includes('"message":"ready"')) resolve({ child, url })
    })
  })
}
