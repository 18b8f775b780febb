import * as z from 'zod'
import { type FailureCode, failureCodes, failures } from './errors.ts'

const mostCharacters = 500

/** What is neither a sentence nor a list of faults still says why. */
const Compact = z
  .union([z.record(z.string(), z.unknown()), z.array(z.unknown()).min(1)])
  .transform((detail) => JSON.stringify(detail).slice(0, mostCharacters))

const Loc = z.array(z.union([z.string(), z.number()]))

/**
 * The error body as a client reads it: other servers send `detail` alone, and some
 * send a list of `{loc, msg}` or an object where ours sends a sentence.
 */
export const FailureBody = z.object({
  detail: z.union([
    z.string(),
    z
      .array(z.object({ loc: z.union([Loc, z.string().transform((name) => [name])]).catch([]), msg: z.string() }))
      .min(1),
    Compact,
  ]),
  // What a server sends beside its sentence must not cost the sentence.
  code: z.string().optional().catch(undefined),
  hint: z.string().optional().catch(undefined),
  request_id: z.string().optional().catch(undefined),
  errors: z
    .array(z.object({ path: z.string(), message: z.string() }))
    .optional()
    .catch(undefined),
})
export type FailureBody = z.output<typeof FailureBody>

/** The code that a server sent, if it is one of ours. */
export const knownCode = (sent: string | undefined): FailureCode | undefined =>
  failureCodes.find((code) => code === sent)

/** The best guess from the HTTP status. */
export function codeOfStatus(status: number): FailureCode {
  if (status === 400) return 'malformed_request'
  if (status >= 502 && status <= 504) return 'database_unavailable'
  return failureCodes.find((code) => failures[code].status === status) ?? 'internal'
}
