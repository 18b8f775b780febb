import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type Api, apiKey, connect } from './api.ts'

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

let started = 0

/**
 * Starts a server and waits until it is ready. Its log goes to a file and not through this process, which generates the
 * load.
 * @throws Error with the end of its log when the server is not ready within 60 s
 */
export async function startServer({
  program,
  folder,
  dbUrl,
  untilPrepared,
  logProgress,
  env,
}: Start): Promise<BenchServer> {
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
  let stopping = false
  child.once('exit', async (code, signal) => {
    if (!stopping) logProgress(`a server ended with ${code ?? signal}: ${(await readFile(path, 'utf8')).slice(-1500)}`)
  })
  await untilPrepared()
  const api = connect(url)
  await api.get('/api/v1/jobs/stats')
  const memory = () => memoryOf(child.pid)
  return {
    ...{ url, api, memory, memoryAtStart: await memory() },
    async stop() {
      stopping = true
      await api.close()
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
    },
  }
}

async function untilReady(child: ChildProcess, path: string): Promise<string> {
  const deadline = Date.now() + 60_000
  for (;;) {
    const log = await readFile(path, 'utf8')
    const url = /"listening on (http:[^"]+)"/.exec(log)?.[1]
    if (url && log.includes('"message":"ready"')) return url
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL')
      throw new Error(`the server does not start: ${log.slice(-1500)}`)
    }
    await wait(20)
  }
}

/** Reads the resident memory of a process, in MiB. @throws Error when there is no such process */
export async function memoryOf(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024
}
