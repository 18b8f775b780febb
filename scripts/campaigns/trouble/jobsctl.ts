import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import { apiKey } from '../stress/actors/caller.ts'
import { affectedOf } from './http.ts'
import type { Outcome } from './outcome.ts'

const program = fileURLToPath(new URL('../../../dist/cli/bin.js', import.meta.url))

const ErrorLine = z.object({ error: z.object({ code: z.string(), detail: z.string() }) })

/** Runs the built `jobsctl` with `--json` at the server of this URL. `env` are more variables. */
export async function jobsctl(
  url: string,
  argv: readonly string[],
  env: Record<string, string> = {},
): Promise<Outcome> {
  const child = spawn(process.execPath, [program, ...argv, '--json'], {
    env: { PATH: process.env.PATH, JOBSCTL_URL: url, JOBSCTL_API_KEY: apiKey, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  const status = child.exitCode ?? undefined
  if (status === 0) return { client: 'jobsctl', status, code: 'ok', sentence: '', affected: affectedOf(parsed(out)) }
  const found = ErrorLine.safeParse(parsed(err.trim().split('\n').at(-1) ?? '')).data?.error
  return {
    ...{ client: 'jobsctl', status, affected: undefined },
    ...{ code: found?.code ?? 'none', sentence: found?.detail ?? err.trim() },
  }
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json)
  } catch {
    return undefined
  }
}
