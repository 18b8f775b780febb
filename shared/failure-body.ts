import * as z from 'zod'

const mostCharacters = 500

/** The object of a server in maintenance: `{code, message}`. */
const Message = z
  .strictObject({ code: z.string().optional(), message: z.string().min(1) })
  .transform(({ message }) => message)

/** A detail that is neither a sentence nor a list of faults, as JSON of at most 500 characters. */
const Compact = z
  .union([z.record(z.string(), z.unknown()), z.array(z.unknown()).min(1)])
  .transform((detail) => JSON.stringify(detail).slice(0, mostCharacters))

const Loc = z.array(z.union([z.string(), z.number()]))

/**
 * The error body as a client reads it. Other servers send only `detail`, and some send a list of `{loc, msg}` or an
 * object where jobs-server sends a sentence.
 */
export const FailureBody = z.object({
  detail: z.union([
    z.string(),
    z
      .array(z.object({ loc: z.union([Loc, z.string().transform((name) => [name])]).catch([]), msg: z.string() }))
      .min(1),
    Message,
    Compact,
  ]),
  // A malformed optional field is ignored, so that the client still gets the sentence.
  code: z.string().optional().catch(undefined),
  hint: z.string().optional().catch(undefined),
  request_id: z.string().optional().catch(undefined),
  errors: z
    .array(z.object({ path: z.string(), message: z.string() }))
    .optional()
    .catch(undefined),
  /** The ids of the event log, beside `events_reset` and `events_expired`. */
  oldest_id: z.number().nullish().catch(undefined),
  newest_id: z.number().optional().catch(undefined),
  /** Beside `database_unavailable`; servers before version 0.2 do not send it. */
  refused_by_database: z.literal(true).optional().catch(undefined),
})
export type FailureBody = z.output<typeof FailureBody>
