import { Failure } from '../../shared/errors.ts'
import { tlsRefused } from '../database/connection/dial.ts'
import { commandFailure } from '../database/errors/command-failure.ts'
import { hasCode } from '../database/errors/error-meanings.ts'
import { isRefusedByPooler } from '../database/errors/failure.ts'
import { errorText } from '../log/system-error.ts'

/** Why a run without a server cannot begin, for the person who gave the connection string. */
export function onceFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  const text = `${errorText(error)}; nothing was changed`
  const because = (code: Failure['code'], why: string, hint?: string) =>
    new Failure(code, `${why}: ${text}`, { hint, cause: error })
  if (hasCode(error, ['3D000'])) return because('not_found', 'the database is not there')
  if (hasCode(error, ['28']))
    return because(
      'unauthenticated',
      'the database refuses the role',
      'the password comes from a URL in JOBSCTL_DB_URL, from PGPASSWORD, or from ~/.pgpass, which must have mode 600',
    )
  if (hasCode(error, [tlsRefused])) return because('usage', 'the connection is refused')
  if (isRefusedByPooler(error))
    return because('usage', 'a connection pooler is in between', 'set JOBS_DB_POOLER=true, or name the database itself')
  return commandFailure(error) ?? new Failure('internal', text, { cause: error })
}
