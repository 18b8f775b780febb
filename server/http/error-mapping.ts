import { Failure } from '../../shared/errors.ts'
import { databaseFailure, isOutcomeUnknown, lossOf } from '../database/errors/failure.ts'
import { outcomeUnknown } from '../database/errors/outcome-unknown.ts'
import type { Log } from '../log/log.ts'
import { errorText } from '../log/system-error.ts'

/**
 * An error as the failure that the caller gets. `changing` is true when the call may have changed rows. Errors that
 * neither the endpoint nor PostgreSQL raised are reported as `internal`.
 */
export function toFailure(error: unknown, changing: boolean): Failure {
  if (error instanceof Failure) return error
  if (changing && isOutcomeUnknown(error)) return connectionBroke(error)
  // The error may come after the change, for example while the response is written.
  const consequence = changing ? 'rows that it had changed before stay changed' : 'nothing was changed'
  return (
    databaseFailure(error) ??
    new Failure('internal', `the server made a mistake; ${consequence}`, {
      hint: 'the server log has the details: search it for this request id',
      cause: error,
    })
  )
}

/** The failure of a call during which the database did not answer. */
export function inactivityFailure(changing: boolean): Failure {
  const because = 'the database does not answer'
  if (!changing) return new Failure('database_unavailable', because, { retryAfter: 30 })
  // A bulk change may have committed batches by then, and may still go on.
  return new Failure('outcome_unknown', `${because}; the change may have been made, as a whole or in part`, {
    hint: 'a dry run, the record of the operation or the state of the job shows what was changed',
    retryAfter: 30,
  })
}

/** PostgreSQL may have committed a statement that is a transaction of its own before the connection broke. */
const connectionBroke = (cause: unknown): Failure =>
  outcomeUnknown({
    because: lossOf(cause),
    hint: 'the request can be sent again with the same idempotency key or completion token',
    retryAfter: 5,
    cause,
  })

/** Logs the cause of a failure, because the caller only gets the sentence for people. */
export function logFailure(log: Log, failure: Failure, requestId: string): void {
  const { code, cause } = failure
  if (!cause && code !== 'internal') return
  const why = cause instanceof Error ? cause : new Error(String(cause))
  const write = code === 'internal' ? log.error : log.warn
  write(`${code}: ${errorText(why)}`, { request_id: requestId, stack: code === 'internal' ? why.stack : undefined })
}
