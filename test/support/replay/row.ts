import type { Rule } from './rules.ts'
import type { Shape } from './shape.ts'

/** A call of an existing client, and how the answer of this server compares with that of the other server. */
export interface Row {
  /** The number of the route in the list of the other server's routes. */
  route: number
  what: string
  /** `:id` in a path is a job that is running. */
  call: [method: string, path: string, body?: unknown]
  confirmed?: true
  /** Absent for an answer without the fields of the other server. */
  shape?: Shape
  /** `same` fields; a `superset`, which has further fields; or another answer, by a rule. */
  answer: 'same' | 'superset' | { differs: Rule; status: number; code?: string }
  /** Fields of the answer with their values, as `toMatchObject` takes them: defaults, among others. */
  body?: unknown
}

const api = '/api/v1/jobs'
export const get = (path: string): Row['call'] => ['GET', `${api}${path}`]
export const send = (method: string, path: string, body: unknown): Row['call'] => [method, `${api}${path}`, body]

export const unconfirmed = { differs: 'confirmed', status: 400, code: 'confirmation_required' } as const
export const strict = { differs: 'strict', status: 422, code: 'invalid_request' } as const
export const fault = { differs: 'faults', status: 422, code: 'invalid_request' } as const

export const scope = { domain: 'chatbooks', queue: 'default', job_type: 'export' }
