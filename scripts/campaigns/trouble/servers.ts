import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { apiKey } from '../stress/actors/caller.ts'

const program = fileURLToPath(new URL('../../../dist/server/main.js', import.meta.url))

/** A built server as a process. */
export interface Server {
  url: string
  /** Lines of its log with the level `error`: each is a mistake of the server. */
  errors: string[]
  stop: () => Promise<void>
}

interface Starting {
  dbUrl: string
  folder: string
  /** More of its environment. */
  env?: Record<string, string>
  /** The message of the log to wait for: a server without a database listens and is never ready. */
  until?: 'ready' | 'listening'
}

/** Starts a server on a free port. It ends with this process. */
export async function startServer({ dbUrl, folder, env, until = 'ready' }: Starting): Promise<Server> {
  const child = spawn(process.execPath, [program], {
    env: {
      PATH: process.env.PATH,
      ...{ PORT: '0', JOBS_DB_URL: dbUrl, JOBS_DATA_DIR: folder, SINGLE_USER_API_KEY: apiKey },
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  const gone = once(child, 'exit').then(() => process.off('exit', kill))
  const errors: string[] = []
  const url = await new Promise<string>((resolve, reject) => {
    let address = ''
    createInterface(child.stdout).on('line', (line) => {
      address ||= /"listening on (http:[^"]+)"/.exec(line)?.[1] ?? ''
      if (line.includes('"level":"error"')) errors.push(line)
      if (address && (until === 'listening' || line.includes('"message":"ready"'))) resolve(address)
    })
    void gone.then(() => reject(new Error(`a server ended: ${errors.join('\n')}`)))
  })
  const stop = async () => {
    child.kill('SIGKILL')
    await gone
  }
  return { url, errors, stop }
}
