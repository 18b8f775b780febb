import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { endWithThis } from './children.ts'

/** The built server. */
export const serverProgram = fileURLToPath(new URL('../../dist/server/main.js', import.meta.url))

/** The API key of the servers that are launched. */
export const apiKey = 'key-of-the-launch'

/** How a process ended: its exit code, or the signal that ended it. */
export type Exit = number | NodeJS.Signals

/** A process of the server, which ends with this process. */
export interface ServerProcess {
  pid: number
  /** Its log and what it wrote to stderr. */
  text: () => string
  ended: Promise<Exit>
  hasEnded: () => boolean
  signal: (name: NodeJS.Signals) => void
}

export interface Launch {
  /** Its working folder, and the folder of its log, `server-<n>.log`. */
  folder: string
  /** Its environment beside PATH, PORT and the API key. A variable that is undefined is not set. */
  env: Record<string, string | undefined>
  /** Another build of the server. */
  program?: string
  /** Another Node than that of this process. */
  node?: string
  /** A script that Node loads before the server. */
  preload?: string | undefined
  /** The user that runs it; the user of this process when absent. */
  uid?: number | undefined
}

let launched = 0

/** Starts a server on a free port. Its log goes to a file and not through this process, which may generate the load. */
export function launchServer({ folder, env, program = serverProgram, node, preload, uid }: Launch): ServerProcess {
  const path = join(folder, `server-${++launched}.log`)
  const log = openSync(path, 'a')
  const argv = [...(preload ? ['--import', preload] : []), program]
  const child = endWithThis(
    spawn(node ?? process.execPath, argv, {
      cwd: folder,
      env: { PATH: process.env.PATH, PORT: '0', SINGLE_USER_API_KEY: apiKey, ...env },
      stdio: ['ignore', log, log],
      ...(uid !== undefined && { uid, gid: uid }),
    }),
  )
  closeSync(log)
  const ended = once(child, 'exit').then((): Exit => child.exitCode ?? child.signalCode ?? 'SIGKILL')
  return {
    pid: child.pid ?? 0,
    text: () => readFileSync(path, 'utf8'),
    ended,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    signal: (name) => void child.kill(name),
  }
}

/** Sends a signal to a server that has not ended. Returns how it ended. */
export function endServer(server: ServerProcess, signal: NodeJS.Signals): Promise<Exit> {
  if (!server.hasEnded()) server.signal(signal)
  return server.ended
}

/** Returns the lines of the log with the level `error`: each is a mistake of the server. */
export const errorsOf = (server: ServerProcess): string[] =>
  server
    .text()
    .split('\n')
    .filter((line) => line.includes('"level":"error"'))

/** Returns the URL at which a server listens, which its log has; undefined until then. */
export const listeningAt = (server: ServerProcess): string | undefined =>
  /listening on (http:[^"\s]+)/.exec(server.text())?.[1]

/** A server that has not started within this many milliseconds hangs. */
const limitMs = 180_000

/**
 * Waits for a message in the log of a server: a server without a database listens and is never ready. Returns the URL.
 * @throws Error with the end of the log, when the server ends before, or the message does not come within three minutes
 */
export async function urlOf(server: ServerProcess, until: 'listening' | 'ready' = 'ready'): Promise<string> {
  for (const end = Date.now() + limitMs; ; await wait(20)) {
    const hasEnded = server.hasEnded()
    const url = listeningAt(server)
    if (url && (until === 'listening' || server.text().includes('"message":"ready"'))) return url
    if (hasEnded || Date.now() > end) {
      await endServer(server, 'SIGKILL')
      throw new Error(`a server does not start: ${server.text().slice(-1500)}`)
    }
  }
}

/** Reads the resident memory of a process, in MiB. @throws Error when there is no such process */
export async function memoryOf(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) / 1024
}
