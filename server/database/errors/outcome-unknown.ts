import { Failure } from '../../../shared/errors.ts'

interface Unknown {
  /** What happened, as a clause. */
  because: string
  hint: string
  /** Seconds. */
  retryAfter: number
  cause?: unknown
}

/** The failure for a change whose answer was lost: PostgreSQL made it whole, or not at all, and the server cannot tell. */
export const outcomeUnknown = ({ because, ...options }: Unknown): Failure =>
  new Failure('outcome_unknown', `${because}; the change was made whole, or not at all`, options)

/**
 * A handler for the error of a query that follows a change of `changed` rows: the change stands when that query fails.
 * @throws Failure `outcome_unknown` when rows were changed, else the error itself
 */
export const afterChange =
  (changed: number) =>
  (cause: unknown): never => {
    if (changed === 0) throw cause
    throw outcomeUnknown({
      because: 'the database failed after the change, before its result was read',
      hint: 'the request can be sent again with the same idempotency key or completion token',
      retryAfter: 5,
      cause,
    })
  }
