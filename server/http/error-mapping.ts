import { Failure } from '../../shared/errors.ts'
import { databaseFailure, isOutcomeUnknown } from '../database/failure.ts'
import { outcomeUnknown } from '../database/outcome-unknown.ts'
import type { Log } from '../log.ts'

/** What an error means for the caller; a bug is never told as a fault of the request. */
export function toFailure(error: unknown, changing: boolean): Failure {
  if (error instanceof Failure) return error
  if (changing && isOutcomeUnknown(error)) return brokenOff(error)
  // A mistake may come after the work, such as with the answer.
  const done = changing ? 'what it had changed before that stands' : 'nothing was changed'
  return (
    databaseFailure(error) ??
    new Failure('internal', `the server made a mistake; ${done}`, {
      hint: 'the server log has the details under this request id',
      cause: error,
    })
  )
}

/** Where the database fell silent. */
export function inactivityFailure(changing: boolean): Failure {
  const because = 'the database does not answer'
  if (!changing) return new Failure('database_unavailable', because, { retryAfter: 30 })
  return outcomeUnknown({ because, hint: 'a dry run, or the state of the job, shows which', retryAfter: 30 })
}

/** A statement that is a transaction of its own may be over when its connection breaks. */
const brokenOff = (cause: unknown): Failure =>
  outcomeUnknown({
    because: 'the connection to the database broke',
    hint: 'with the same idempotency key or completion token it can be sent again',
    retryAfter: 5,
    cause,
  })

/** Tells the log why, where there is more to it than the caller is told. */
export function logFailure(log: Log, failure: Failure, requestId: string): void {
  const { code, cause } = failure
  if (!cause && code !== 'internal') return
  const why = cause instanceof Error ? cause : new Error(String(cause))
  const say = code === 'internal' ? log.error : log.warn
  say(`${code}: ${why.message}`, { request_id: requestId, stack: code === 'internal' ? why.stack : undefined })
}
