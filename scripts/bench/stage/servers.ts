import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type Api, apiKey, connect } from './api.ts'

/** A built server on a database of its own. */
export interface BenchServer {
  url: string
  api: Api
  /** Megabytes that it holds now. */
  memory: () => Promise<number>
  /** What it held when it was ready, after one call. */
  memoryAtStart: number
  stop: () => Promise<void>
}

interface Start {
  /** The built program. */
  program: string
  folder: string
  dbUrl: string
  /** Resolves when the database has all that the server makes there. */
  prepared: () => Promise<void>
  /** Told when it ends by itself. */
  tell: (what: string) => void
  env?: Record<string, string>
}

let started = 0

/**
 * Starts a server, and waits until it is ready. Its log goes to a file and not through this process, which has
 * the load to make.
 * @throws Error with the end of its log when it does not come up
 */
export async function startServer({ program, folder, dbUrl, prepared, tell, env }: Start): Promise<BenchServer> {
  const path = join(folder, `server-${++started}.log`)
  const log = await open(path, 'w')
  const child = spawn(process.execPath, [program], {
    env: {
      PATH: process.env.PATH,
      ...{ PORT: '0', JOBS_DB_URL: dbUrl, JOBS_DATA_DIR: folder, SINGLE_USER_API_KEY: apiKey },
      ...env,
    },
    stdio: ['ignore', log.fd, log.fd],
  })
  await log.close()
  const end = () => child.kill('SIGKILL')
  process.once('exit', end)
  child.once('exit', () => process.off('exit', end))
  const url = await untilReady(child, path)
  let wanted = true
  child.once('exit', async (code, signal) => {
    if (wanted) tell(`a server ended with ${code ?? signal}: ${(await readFile(path, 'utf8')).slice(-1500)}`)
  })
  await prepared()
  const api = connect(url)
  await api.get('/api/v1/jobs/stats')
  const memory = () => memoryOf(child.pid)
  return {
    ...{ url, api, memory, memoryAtStart: await memory() },
    async stop() {
      wanted = false
      await api.close()
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      await gone
    },
  }
}

async function untilReady(child: ChildProcess, path: string): Promise<string> {
  const limit = Date.now() + 60_000
  for (;;) {
    const log = await readFile(path, 'utf8')
    const url = /"listening on (http:[^"]+)"/.exec(log)?.[1]
    if (url && log.includes('"message":"ready"')) return url
    if (child.exitCode !== null || Date.now() > limit) {
      child.kill('SIGKILL')
      throw new Error(`a server does not start: ${log.slice(-1500)}`)
    }
    await wait(20)
  }
}

async function memoryOf(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024
}
