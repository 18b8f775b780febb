import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { request } from 'undici'
import { apiKey } from '../stress/actors/caller.ts'

/** The built server. */
export const program = fileURLToPath(new URL('../../../dist/server/main.js', import.meta.url))

/** How a server ended: its exit code, or the signal that ended it. */
export type Exit = number | NodeJS.Signals

/** A server process on an embedded database. */
export interface Server {
  pid: number
  /** Its log and what it wrote to stderr. */
  text: () => string
  /** Resolves to its URL when it listens, and to undefined when it ends before. */
  listening: Promise<string | undefined>
  ended: Promise<Exit>
  hasEnded: () => boolean
  /** Sends SIGTERM, or another signal. */
  signal: (name: NodeJS.Signals) => void
}

export interface Starting {
  folder: string
  env?: Record<string, string>
  /** A script that Node loads before the server. */
  preload?: string | undefined
  /** The user that runs it; the user of the campaign when absent. */
  uid?: number | undefined
}

/** Starts a server on a free port. It ends with this process. */
export function startServer({ folder, env, preload, uid }: Starting): Server {
  const child = spawn(process.execPath, [...(preload ? ['--import', preload] : []), program], {
    env: {
      PATH: process.env.PATH,
      ...{ PORT: '0', JOBS_DATA_DIR: folder, SINGLE_USER_API_KEY: apiKey, JOBS_SHUTDOWN_SECONDS: '5' },
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid !== undefined && { uid, gid: uid }),
  })
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  let text = ''
  const ended = once(child, 'close').then((): Exit => {
    process.off('exit', kill)
    return child.exitCode ?? child.signalCode ?? 'SIGKILL'
  })
  const listening = new Promise<string | undefined>((resolve) => {
    void ended.then(() => resolve(undefined))
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (part: string) => {
        text += part
        const url = /"listening on (http:[^"]+)"/.exec(text)?.[1]
        if (url) resolve(url)
      })
    }
  })
  return {
    pid: child.pid ?? 0,
    text: () => text,
    listening,
    ended,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    signal: (name) => void child.kill(name),
  }
}

/** Resolves to true when the server is ready, to false when it ends before or is not ready after `limitMs` milliseconds. */
export async function isReady(server: Server, limitMs: number): Promise<boolean> {
  const end = performance.now() + limitMs
  const url = await server.listening
  while (url && !server.hasEnded() && performance.now() < end) {
    const response = await request(`${url}/readyz`).catch(() => undefined)
    await response?.body.dump()
    if (response?.statusCode === 200) return true
    await wait(50)
  }
  return false
}
