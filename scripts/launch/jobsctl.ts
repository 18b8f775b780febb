import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { endWithThis } from './children.ts'
import { apiKey } from './server.ts'

const program = fileURLToPath(new URL('../../dist/cli/bin.js', import.meta.url))

interface Options {
  /** More variables of the environment. */
  env?: Record<string, string>
  /** The folder in which it runs. */
  cwd?: string
  /** Ends it by SIGKILL. */
  signal?: AbortSignal
}

/** Runs the built `jobsctl` at the server of this URL. It ends with this process. Returns its exit code, null after a signal, and what it printed. */
export async function runJobsctl(url: string, argv: readonly string[], { env, cwd, signal }: Options = {}) {
  const child = endWithThis(
    spawn(process.execPath, [program, ...argv], {
      env: { PATH: process.env.PATH, JOBSCTL_URL: url, JOBSCTL_API_KEY: apiKey, ...env },
      ...(cwd !== undefined && { cwd }),
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )
  signal?.addEventListener('abort', () => child.kill('SIGKILL'), { once: true })
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: child.exitCode, out, err }
}
