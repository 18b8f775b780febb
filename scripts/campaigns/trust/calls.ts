import { createInterface } from 'node:readline'
import { request as send } from 'undici'
import type { z } from 'zod'
import { type Progress, ProgressLine } from '../../../shared/changes/bulk-change.ts'
import type { Endpoint } from '../../../shared/endpoint.ts'
import { FailureBody } from '../../../shared/failure-body.ts'
import { ndjson } from '../../../shared/headers.ts'
import { apiKey } from '../stress/actors/caller.ts'

/** How a call ended, as its caller knows. */
export interface Outcome<Body> {
  /** Under this id the record of the operation is found. */
  request: string
  /** What was answered, if it was done. */
  body?: Body
  /** The code of a refusal or of a failure; `broken` where there was no answer. */
  code?: string
  detail?: string
}

interface Options {
  /** Ask to be told how far it has come. */
  progressed?: (progress: Progress) => void
  /** Hangs up. */
  signal?: AbortSignal
}

let made = 0

/** Makes one call, as `curl` would, and never again: what it meets is its outcome. */
export async function call<In extends z.ZodType, Out extends z.ZodType>(
  server: string,
  endpoint: Endpoint<In, Out>,
  input: z.input<In>,
  { progressed, signal }: Options = {},
): Promise<Outcome<z.output<Out>>> {
  const request = `trust:${++made}`
  const fields = new Map(Object.entries(Object(input)))
  const path = endpoint.path.replaceAll(/:(\w+)/g, (_, name: string) => {
    const value = String(fields.get(name))
    fields.delete(name)
    return value
  })
  try {
    const answer = await send(`${server}${path}`, {
      method: endpoint.method,
      headersTimeout: 120_000,
      bodyTimeout: 120_000,
      headers: {
        ...{ 'x-api-key': apiKey, 'x-request-id': request, 'x-confirm': 'true', 'content-type': 'application/json' },
        ...(progressed && { accept: ndjson }),
      },
      ...(endpoint.method === 'POST' && { body: JSON.stringify(Object.fromEntries(fields)) }),
      ...(signal && { signal }),
    })
    if (answer.statusCode >= 300) return { request, ...failed(await answer.body.json()) }
    if (!String(answer.headers['content-type']).startsWith(ndjson)) {
      return { request, body: endpoint.output.parse(await answer.body.json()) }
    }
    for await (const text of createInterface(answer.body)) {
      const line = ProgressLine.parse(JSON.parse(text))
      if ('progress' in line) progressed?.(line.progress)
      else if ('result' in line) return { request, body: endpoint.output.parse(line.result) }
      else return { request, ...failed(line.error) }
    }
    return { request, code: 'broken', detail: 'the answer ended early' }
  } catch (error) {
    if (!(error instanceof Error) || error.name === 'ZodError') throw error
    return { request, code: 'broken', detail: String(error) }
  }
}

function failed(body: unknown): { code: string; detail: string } {
  const { code = 'none', detail } = FailureBody.parse(body)
  return { code, detail: typeof detail === 'string' ? detail : JSON.stringify(detail) }
}
