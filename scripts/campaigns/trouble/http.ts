import { request } from 'undici'
import * as z from 'zod'
import { problemOf } from '../../../shared/problem.ts'
import { apiKey } from '../../launch/server.ts'
import type { Outcome } from './outcome.ts'

const count = z.number().optional()
const Changed = z.object({ deleted: count, affected: count, fixed: count, id: count })

/** How many jobs the body of a success says that it changed; one for an enqueued job. */
export function affectedOf(body: unknown): number | undefined {
  const { deleted, affected, fixed, id } = Changed.safeParse(body).data ?? {}
  return deleted ?? affected ?? fixed ?? (id === undefined ? undefined : 1)
}

interface Request {
  path: string
  body: object
  headers?: Record<string, string>
}

/** A response with its body. */
export interface Answered extends Outcome {
  body: unknown
}

/** Sends one confirmed POST to the server, as `curl` would, and never again. */
export async function post(url: string, { path, body, headers }: Request): Promise<Answered> {
  try {
    const response = await request(`${url}${path}`, {
      method: 'POST',
      headersTimeout: 120_000,
      bodyTimeout: 120_000,
      headers: { 'x-api-key': apiKey, 'x-confirm': 'true', 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
    return outcomeOf(response.statusCode, await response.body.text())
  } catch (error) {
    return { client: 'HTTP', status: undefined, code: 'broken', sentence: String(error), affected: undefined, body: {} }
  }
}

function outcomeOf(status: number, text: string): Answered {
  const body: unknown = text.startsWith('{') || text.startsWith('[') ? JSON.parse(text) : text
  if (status < 300) return { client: 'HTTP', status, code: 'ok', sentence: '', affected: affectedOf(body), body }
  const { code = 'none', detail } = problemOf(body)
  const sentence = detail ?? text.slice(0, 200)
  return { client: 'HTTP', status, code, sentence, affected: undefined, body }
}
