import { Failure } from '../../../shared/errors.ts'
import { errorText } from '../../log/system-error.ts'
import { meaningOf, seeLog } from './error-meanings.ts'
import { databaseFailure, embeddedReason, isAccessRefused, isOutcomeUnknown } from './failure.ts'

/**
 * An error of the database as the failure of a short command, with the words of the database: a command has no log that says why.
 * Undefined when PostgreSQL and the driver did not raise it.
 * @param stays what the command has done before, and that it stays, as a clause; undefined where it has done nothing
 */
export function commandFailure(error: unknown, stays?: string): Failure | undefined {
  const meaning = meaningOf(error)
  if (meaning?.failure !== 'database_unavailable') return databaseFailure(error, stays)
  const why = embeddedReason(error) ?? `${meaning.detail}: ${errorText(error)}`
  if (isOutcomeUnknown(error)) {
    const hint = 'look what is there before you run the command again'
    const outcome = [...(stays ? [stays] : []), 'what the command had begun may have been made'].join('; ')
    return new Failure('outcome_unknown', `${why}; ${outcome}`, { hint, cause: error })
  }
  return new Failure(meaning.failure, `${why}; ${stays ?? 'nothing was changed'}`, {
    hint: hintOn(error, meaning.hint),
    cause: error,
  })
}

function hintOn(error: unknown, hint: string | undefined): string | undefined {
  if (isAccessRefused(error))
    return 'JOBS_DB_URL names the role, its password and the database; jobs-server grants prints the rights that a role needs'
  return hint === seeLog ? undefined : hint
}
