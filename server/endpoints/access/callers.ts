import { idsOfCallers } from '../../../shared/access/callers.ts'
import { findCallerNames, listKnownCallers, seesPeople, setBlocked } from '../../auth/oidc/known-callers.ts'
import { deleteSessions } from '../../auth/sessions/session-store.ts'
import { type Actor, recordAct } from '../../bulk/record/act.ts'
import type { Acting, Reporting, ServerContext } from '../../call.ts'
import type { Pool } from '../../database/sql.ts'
import { type ActingCall, actorOf } from '../actor.ts'
import type { InputOf, OutputOf } from '../handlers.ts'

type CallerCall = ActingCall & Pick<ServerContext, 'sql'> & Pick<Reporting, 'reportChangedRows'>
type Blocking = InputOf<'blockCaller'>
type Blocked = OutputOf<'blockCaller'>

export const listCallers = ({ sql }: Pick<ServerContext, 'sql'>, { limit }: InputOf<'listCallers'>) =>
  listKnownCallers(sql, limit)

/** Who the callers are of these ids, for a caller that is told for whom others call. */
export const callerNames = async (
  { sql, may }: Pick<ServerContext, 'sql'> & Pick<Acting, 'may'>,
  { ids }: InputOf<'callerNames'>,
): Promise<OutputOf<'callerNames'>> => ({
  callers: seesPeople(may) ? await findCallerNames(sql, idsOfCallers(ids) ?? []) : [],
})

export const blockCaller = (call: CallerCall, { caller }: Blocking): Promise<Blocked> => changed(call, caller, true)

export const unblockCaller = (call: CallerCall, { caller }: Blocking): Promise<Blocked> => changed(call, caller, false)

async function changed(call: CallerCall, caller: string, blocked: boolean): Promise<Blocked> {
  const changed = await blockOnRecord(call.sql, actorOf(call), { caller, blocked })
  if (changed) call.reportChangedRows(1)
  return { caller, changed }
}

/** Blocks a caller and ends its sessions, or ends a block, with a record. Returns false where it is so already. */
export const blockOnRecord = (
  sql: Pool,
  actor: Actor,
  { caller, blocked }: { caller: string; blocked: boolean },
): Promise<boolean> =>
  sql.begin(async (tx) => {
    if (!(await setBlocked(tx, caller, blocked))) return false
    if (blocked) await deleteSessions(tx, { caller })
    await recordAct(tx, actor, {
      kind: blocked ? 'caller.blocked' : 'caller.unblocked',
      details: { principal: caller },
    })
    return true
  })
