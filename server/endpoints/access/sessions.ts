import type { z } from 'zod'
import type { openSession as opening, showSession as showing } from '../../../shared/access/session.ts'
import { Failure } from '../../../shared/errors.ts'
import type { Caller, CallerSession } from '../../auth/authenticate.ts'
import { shownSession } from '../../auth/sessions/session-authenticator.ts'
import { deleteSessions, insertSession, sessionName } from '../../auth/sessions/session-store.ts'
import { type Actor, recordAct } from '../../bulk/record/act.ts'
import type { Call, ServerContext } from '../../call.ts'
import type { Pool } from '../../database/sql.ts'
import { type ActingCall, actorOf } from '../actor.ts'
import type { InputOf, OutputOf } from '../handlers.ts'
import { showCaller } from './caller.ts'

type Opened = z.output<typeof opening.output>
type Way = z.output<typeof showing.output>['ways'][number]

interface Login {
  caller: Caller
  /** The hash of what the caller has logged in with. */
  hash: string
  /** How. */
  way: Way
  actor: Actor
  /** The session of the browser until now. */
  replaces: Caller | undefined
}

/**
 * Opens a session, on record, and ends the one that the browser had.
 * @returns the only copy of its secret, and the time of the login
 */
export const openSession = (
  sql: Pool,
  { caller, hash, way, actor, replaces }: Login,
): Promise<{ secret: string; opened: number }> =>
  sql.begin(async (tx) => {
    const { session } = replaces ?? {}
    if (replaces && session) await deleteSessions(tx, { caller: replaces.id, name: session.name })
    const made = await insertSession(tx, { caller: caller.id, hash, address: actor.address })
    const { name, principal, role } = caller
    await recordAct(tx, actor, {
      kind: 'session.opened',
      details: { session: sessionName(made.secret), way, name, principal, role, replaces: session?.name ?? null },
    })
    return made
  })

/** The answer about a session to its caller. */
export async function openedSession(
  { sql, approvalAbove }: Pick<ServerContext, 'sql' | 'approvalAbove'>,
  caller: Caller,
  session: CallerSession,
): Promise<Opened> {
  const { id, may, within } = caller
  return {
    ...(await showCaller({ sql, caller: id, identity: caller, may, within, session: undefined, approvalAbove })),
    session: shownSession(session),
  }
}

/** Ends the session of the call, or every session of its caller, on record. */
export const endSession = async (
  call: ActingCall & Pick<Call, 'sql' | 'session' | 'reportChangedRows'>,
  { everywhere }: InputOf<'endSession'>,
): Promise<OutputOf<'endSession'>> => {
  const { caller, session } = call
  if (!everywhere && !session) throw withoutSession()
  const ended = await call.sql.begin(async (tx) => {
    const which = everywhere || !session ? { caller } : { caller, name: session.name }
    const sessions = await deleteSessions(tx, which)
    if (sessions > 0) {
      const details = { session: session?.name ?? null, everywhere, sessions }
      await recordAct(tx, actorOf(call), { kind: 'session.ended', details })
    }
    return sessions
  })
  call.reportChangedRows(ended)
  return { ended }
}

const withoutSession = (): Failure =>
  new Failure('conflict', 'the call is made with a key or a token, and has no session to end; nothing was changed', {
    hint: '"everywhere": true ends the sessions in all browsers',
  })
