import type { Session } from '../../../shared/access/caller.ts'
import type { Right } from '../../../shared/access/rights.ts'
import { Failure } from '../../../shared/errors.ts'
import type { Sql } from '../../database/sql.ts'
import type { Env } from '../../env/env.ts'
import type { Authenticator, Caller, CallerSession } from '../authenticate.ts'
import { findSession, isProvenBy, noteSession, sessionName } from './session-store.ts'
import { freshSeconds, termsOf } from './session-terms.ts'

const secretShape = /^[\w-]{43}$/
const noteAfterSeconds = 60

/**
 * The caller behind the secret of a session, with the rights that its key or token has now. The session, the key and the token are looked
 * up at each call, so that their end acts at once, on every server.
 * @param isCall false for a stream that looks again, which does not keep the session from being idle
 * @throws Failure `unauthenticated` for a session that has ended
 */
export async function callerOfSession(
  { sql, auth, ui }: { sql: Sql; auth: Authenticator; ui: Env['JOBS_UI'] },
  { secret, isCall }: { secret: string; isCall: boolean },
): Promise<Caller> {
  const own = auth.ownSession?.(secret)
  if (own) {
    const { caller, opened } = own
    return { ...inBrowser(caller, ui), session: { name: sessionName(secret), opened, age: 0, may: caller.may } }
  }
  const stored = secretShape.test(secret) ? await findSession(sql, secret) : undefined
  if (!stored) throw ended('it is not known, or was ended')
  const caller = await auth.callerBehind(stored.caller, isProvenBy(secret, stored))
  if (!caller) throw ended('the key or the token behind it was changed, revoked or has expired')
  const { idle, longest } = termsOf(caller.may)
  if (stored.age >= longest) throw ended('its time was over')
  if (stored.idle >= idle) throw ended('it was idle for too long')
  if (isCall && stored.idle >= noteAfterSeconds) await noteSession(sql, secret)
  const { opened, age } = stored
  return { ...inBrowser(caller, ui), session: { name: sessionName(secret), opened, age, may: caller.may } }
}

const reading: readonly Right[] = ['identity', 'read', 'payloads', 'records', 'read_tokens']

/** The caller as its browser has it: with `JOBS_UI=read` nobody changes anything there. */
export const inBrowser = (caller: Caller, ui: Env['JOBS_UI']): Caller =>
  ui === 'read' ? { ...caller, may: new Set(reading.filter((right) => caller.may.has(right))) } : caller

const ended = (why: string): Failure =>
  new Failure('unauthenticated', `the session has ended: ${why}`, { hint: 'log in again' })

const timeOf = (seconds: number): string => new Date(seconds * 1000).toISOString().replace(/\.\d+/, '')

/** A session as answers have it. Its terms are those of all rights of the caller, not only of those in the browser. */
export function shownSession({ name, opened, may }: CallerSession): Session {
  const { idle, longest } = termsOf(may)
  return {
    id: name,
    opened_at: timeOf(opened),
    ends_at: timeOf(opened + longest),
    idle_seconds: idle,
    asked_again_at: timeOf(opened + freshSeconds),
  }
}
