import { until } from '../poll.ts'
import { built } from './built.ts'
import { type Ended, startChild } from './child.ts'

/** A server process that listens. */
export interface ServerProcess {
  url: string
  output: { out: string; err: string }
  ended: Promise<Ended>
  /** SIGTERM, and how it ended. */
  stop: () => Promise<Ended>
  /** SIGSTOP: it hangs, and its connections stay. */
  freeze: () => void
  /** SIGCONT: it goes on. */
  thaw: () => void
  /** SIGHUP: it reads its secrets again. */
  readAgain: () => void
  /** `kill -9`, and how it ended. */
  kill: () => Promise<Ended>
}

const listening = /"listening on (http:\/\/[^"]+)"/

/**
 * Runs the built server, or the server of another build, as a process on a free port, and waits until it listens.
 * @throws Error with its output, when it ends before
 */
export async function spawnServer(env: Record<string, string>, program: string = built.server): Promise<ServerProcess> {
  const { process: child, output, ended } = startChild([program], { env: { PORT: '0', ...env } })
  const found = until('the server listens', () => listening.exec(output.out)?.[1] ?? child.exitCode !== null)
  const url = await found.catch((error: unknown) => {
    child.kill('SIGKILL')
    throw error
  })
  if (typeof url !== 'string') throw new Error(`the server ended: ${output.out}${output.err}`)
  const signal = (name: NodeJS.Signals) => {
    child.kill(name)
    return ended
  }
  const freeze = () => void child.kill('SIGSTOP')
  const thaw = () => void child.kill('SIGCONT')
  const readAgain = () => void child.kill('SIGHUP')
  return { url, output, ended, stop: () => signal('SIGTERM'), freeze, thaw, readAgain, kill: () => signal('SIGKILL') }
}

/** With these variables a call that holds up the end of a server does so for an hour, so that its test fails by its own limit. */
export const longShutdown = { JOBS_SHUTDOWN_SECONDS: '3600' }

/** Runs the built server with arguments, such as `token list`, until it ends. */
export const runServer = (argv: string[], env: Record<string, string> = {}): Promise<Ended> =>
  startChild([built.server, ...argv], { env }).ended
