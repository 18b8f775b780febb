import { Failure } from '../../../shared/errors.ts'
import type { Scope } from '../../../shared/scope.ts'
import type { Context } from '../../context.ts'
import { scopeWords } from '../../settings/flags/scope-flags.ts'

interface Reader {
  scope: Scope
  follow: boolean | undefined
  cursor: string | undefined
  /** The id after which the caller asked for events. */
  after: number | undefined
}

/**
 * The error of a reader whose place is not in the log, or that has missed events, with the command that reads on; any other error as it
 * is.
 */
export function withNextCommand(
  { another }: Context,
  { scope, follow, cursor, after }: Reader,
  error: unknown,
): unknown {
  if (!(error instanceof Failure) || (error.code !== 'events_expired' && error.code !== 'events_reset')) return error
  const { oldest_id, newest_id } = error.fields
  const isReset = error.code === 'events_reset'
  const place = typeof oldest_id === 'number' && !isReset ? oldest_id - 1 : newest_id
  if (typeof place !== 'number') return error
  const why = isReset ? 'the id is of another log, or of a lost part of this one: ' : ''
  // A cursor moves only forward.
  const forget =
    isReset && cursor !== undefined && after === undefined ? `run ${another(['events', '--forget', cursor])}, ` : ''
  const reading = [...(follow ? ['--follow'] : []), ...(cursor === undefined ? [] : ['--cursor', cursor])]
  const next = another(['events', '--after', String(place), ...scopeWords(scope), ...reading])
  const { requestId, server, fields } = error
  return new Failure(error.code, error.message, {
    hint: `${why}read what you need again, ${forget}and go on with: ${next}`,
    requestId,
    server,
    fields,
    cause: error,
  })
}
