import { Failure } from '../../shared/errors.ts'

interface Unknown {
  /** What happened to the database. */
  because: string
  hint: string
  retryAfter: number
  cause?: unknown
}

/** A change may have been made when its answer is lost: whole, or not at all, and nobody can tell from here. */
export const outcomeUnknown = ({ because, ...options }: Unknown): Failure =>
  new Failure('outcome_unknown', `${because}; the change was made whole, or not at all`, options)

/** For what is asked after a change was made: should that fail, the change still stands. */
export const afterChange =
  (changed: number) =>
  (cause: unknown): never => {
    if (changed === 0) throw cause
    throw outcomeUnknown({
      because: 'the database failed before it had told all',
      hint: 'with the same idempotency key or completion token it can be sent again',
      retryAfter: 5,
      cause,
    })
  }
