import { Failure } from '../../shared/errors.ts'
import type { Scope } from '../../shared/scope.ts'
import type { Context } from '../context.ts'
import { scopeWords } from '../settings/flags/scope-flags.ts'

interface Reader {
  scope: Scope
  follow: boolean | undefined
  cursor: string | undefined
}

/** The error of a reader that has missed events, with the command that reads on; any other error as it is. */
export function withNextCommand({ another }: Context, { scope, follow, cursor }: Reader, error: unknown): unknown {
  if (!(error instanceof Failure) || error.code !== 'events_expired') return error
  const { oldest_id, newest_id } = error.fields
  const after = typeof oldest_id === 'number' ? oldest_id - 1 : newest_id
  if (typeof after !== 'number') return error
  const reading = [...(follow ? ['--follow'] : []), ...(cursor === undefined ? [] : ['--cursor', cursor])]
  const next = another(['events', '--after', String(after), ...scopeWords(scope), ...reading])
  const { requestId, server, fields } = error
  return new Failure(error.code, error.message, {
    hint: `read what you need again, and go on with: ${next}`,
    ...{ requestId, server, fields, cause: error },
  })
}
