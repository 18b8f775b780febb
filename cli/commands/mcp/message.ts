import * as z from 'zod'
import { Failure, failures } from '../../../shared/errors.ts'

const Id = z.union([z.string(), z.number()])
export type RequestId = z.output<typeof Id>

/** What the relay reads of a message; the server reads the rest. */
export interface Message {
  /** Undefined in a notification. */
  id: RequestId | undefined
  /** Undefined in an answer. */
  method: string | undefined
  /** The call that a notification cancels. */
  cancels: RequestId | undefined
  /** What a program says of itself in its first message. */
  client: { name: string; version?: string | undefined } | undefined
}

const Text = z.string().transform((text) => text.slice(0, 200))
const Params = z.object({
  requestId: Id.optional().catch(undefined),
  clientInfo: z
    .object({ name: Text, version: Text.optional().catch(undefined) })
    .optional()
    .catch(undefined),
})
const Sent = z.object({
  jsonrpc: z.literal('2.0'),
  id: Id.optional(),
  method: z.string().optional(),
  params: Params.optional().catch(undefined),
})

/** The message of a line; undefined for a line that is not a message. */
export function messageOf(line: string): Message | undefined {
  try {
    const { data } = Sent.safeParse(JSON.parse(line))
    return (
      data && { id: data.id, method: data.method, cancels: data.params?.requestId, client: data.params?.clientInfo }
    )
  } catch {
    return undefined
  }
}

/** The codes of JSON-RPC: for a line that is no message, and for all else. */
const [parseError, serverError] = [-32_700, -32_000]

/** The answer to a call that failed on its way; `id` is null for a line that is no message. */
export function failureMessage(id: RequestId | null, error: unknown): string {
  const failure = error instanceof Failure ? error : new Failure('internal', 'jobsctl could not carry the message')
  const { code, message, hint, faults } = failure
  return JSON.stringify({
    jsonrpc: '2.0',
    id,
    error: {
      code: code === 'malformed_json' ? parseError : serverError,
      message: hint === undefined ? message : `${message}; ${hint}`,
      data: { code, status: failures[code].status, ...(faults.length > 0 && { errors: faults }) },
    },
  })
}
