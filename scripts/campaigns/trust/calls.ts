import { createInterface } from 'node:readline'
import { request as send } from 'undici'
import type { z } from 'zod'
import { type Progress, ProgressLine } from '../../../shared/changes/bulk-change.ts'
import type { Endpoint } from '../../../shared/endpoint.ts'
import { ndjson } from '../../../shared/headers.ts'
import { problemOf } from '../../../shared/problem.ts'
import { apiKey } from '../../launch/server.ts'
import { buildRequest } from '../stress/actors/caller.ts'

/** The outcome of a call, as its caller sees it. */
export interface Outcome<Body> {
  /** The request id, which the record of the operation has too. */
  request: string
  /** The body of a response with a status below 300, or the result of a progress stream. */
  body?: Body
  /** The error code of the response; `broken` when the response is missing or incomplete. */
  code?: string
  /** The detail of the error, or the message of the broken connection. */
  detail?: string
}

interface Options {
  /** Receives the progress of the change. When present, the call requests a progress stream (NDJSON). */
  progressed?: (progress: Progress) => void
  /** Aborts the request and closes its connection. */
  signal?: AbortSignal
  /** Further headers. */
  headers?: Record<string, string>
}

let callCount = 0

/**
 * Makes one call without retries. `server` is the base URL. HTTP errors and lost connections are outcomes, not errors.
 * @throws ZodError when the response does not have the shape of the endpoint
 */
export async function call<In extends z.ZodType, Out extends z.ZodType>(
  server: string,
  endpoint: Endpoint<In, Out>,
  input: z.input<In>,
  { progressed, signal, headers }: Options = {},
): Promise<Outcome<z.output<Out>>> {
  const request = `trust:${++callCount}`
  const { url, body } = buildRequest(endpoint, input)
  try {
    const response = await send(`${server}${url}`, {
      method: endpoint.method,
      headersTimeout: 120_000,
      bodyTimeout: 120_000,
      headers: {
        ...{ 'x-api-key': apiKey, 'x-request-id': request, 'x-confirm': 'true', 'content-type': 'application/json' },
        ...(progressed && { accept: ndjson }),
        ...headers,
      },
      ...(body && { body }),
      ...(signal && { signal }),
    })
    if (response.statusCode >= 300) return { request, ...failed(await response.body.json()) }
    if (!String(response.headers['content-type']).startsWith(ndjson)) {
      return { request, body: endpoint.output.parse(await response.body.json()) }
    }
    for await (const text of createInterface(response.body)) {
      const line = ProgressLine.parse(JSON.parse(text))
      if ('progress' in line) progressed?.(line.progress)
      else if ('result' in line) return { request, body: endpoint.output.parse(line.result) }
      else return { request, ...failed(line.error) }
    }
    return { request, code: 'broken', detail: 'the response ended before its result' }
  } catch (error) {
    if (!(error instanceof Error) || error.name === 'ZodError') throw error
    return { request, code: 'broken', detail: String(error) }
  }
}

function failed(body: unknown): { code: string; detail: string } {
  const { code = 'none', detail = JSON.stringify(body) } = problemOf(body)
  return { code, detail }
}
