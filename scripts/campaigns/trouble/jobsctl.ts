import * as z from 'zod'
import { runJobsctl } from '../../launch/jobsctl.ts'
import { affectedOf } from './http.ts'
import type { Outcome } from './outcome.ts'

const ErrorLine = z.object({ error: z.object({ code: z.string(), detail: z.string() }) })

/** Runs the built `jobsctl` with `--json` at the server of this URL. `env` are more variables. */
export async function jobsctl(
  url: string,
  argv: readonly string[],
  env: Record<string, string> = {},
): Promise<Outcome> {
  const { code, out, err } = await runJobsctl(url, [...argv, '--json'], { env })
  const status = code ?? undefined
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
