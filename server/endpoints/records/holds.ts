import * as z from 'zod'
import { Failure } from '../../../shared/errors.ts'
import type { Hold } from '../../../shared/records/holds.ts'
import { scopeFields } from '../../../shared/scope.ts'
import { recordAct } from '../../bulk/record/act.ts'
import type { Acting, Call, Requested, ServerContext } from '../../call.ts'
import { unlessFrozen } from '../../database/installation/freeze.ts'
import { type Sql, staticFragment, type Transaction } from '../../database/sql.ts'
import { type ActingCall, actorOf } from '../actor.ts'
import type { InputOf } from '../handlers.ts'
import { isContentHidden } from '../hidden.ts'
import { pageLink } from '../paging.ts'

/** A page of the holds that have not ended, the newest first, with the header `Link` to the next page. */
export async function listHolds(
  { sql, addHeader, may }: Pick<Call, 'sql' | 'addHeader' | 'may'>,
  request: InputOf<'listHolds'>,
): Promise<Hold[]> {
  const found = await sql<Hold[]>`
    select ${holdColumns(sql)}
    from jobsctl_holds as hold
    where hold.id < ${request.before_id}::bigint and hold.until > now()
    order by hold.id desc
    limit ${request.limit + 1}`
  const page = found.slice(0, request.limit)
  const last = page.at(-1)
  if (found.length > page.length && last) addHeader('Link', pageLink({ ...request, before_id: last.id }, 'next'))
  return isContentHidden({ may }) ? page.map(withoutContentFilter) : page
}

/** What a hold looks for in payloads and errors is a part of them: null in its place, or the hold would seem to be over more jobs. */
function withoutContentFilter(hold: Hold): Hold {
  if (hold.filter === null) return hold
  const hidden = ['payload', 'error'].filter((name) => Object.hasOwn(hold.filter ?? {}, name))
  return { ...hold, filter: { ...hold.filter, ...Object.fromEntries(hidden.map((name) => [name, null])) } }
}

type RemoveCall = ActingCall & Pick<ServerContext, 'sql'>

/**
 * Ends a hold now, with an event. Maintenance deletes its rows.
 * @throws Failure `not_found`; `frozen`
 */
export const removeHold = async (call: RemoveCall, { id }: InputOf<'removeHold'>): Promise<Hold> =>
  unlessFrozen(call.sql, async (tx) => {
    const [hold] = await tx<Hold[]>`
      select ${holdColumns(tx)} from jobsctl_holds as hold where hold.id = ${id}::bigint and hold.until > now() for update`
    if (!hold) throw unknownHold(id)
    await tx`update jobsctl_holds set until = now() where id = ${id}::bigint`
    await insertHoldEvent(tx, call, { type: 'hold.removed', hold })
    await recordHold(tx, call, { kind: 'hold.removed', hold })
    return hold
  })

const unknownHold = (id: number): Failure =>
  new Failure('not_found', `there is no hold ${id}, or it has ended; nothing was changed`, {
    hint: 'jobsctl hold list shows the holds that have not ended',
  })

/** The columns of the alias `hold`, as the API answers them. */
export const holdColumns = staticFragment(
  (sql) => sql`
  hold.id, hold.filter, hold.operation_id, hold.jobs, hold.undo_id, hold.until, hold.reason, hold.caller, hold.created_at`,
)

/** Writes the record of an added or removed hold. The filter is the one of the hold, with what it looks for in payloads and errors. */
export const recordHold = (
  tx: Transaction,
  call: ActingCall,
  { kind, hold }: { kind: 'hold.added' | 'hold.removed'; hold: Hold },
): Promise<void> => {
  const { id, filter, operation_id, jobs, undo_id, until } = hold
  const scope = FilterScope.parse(filter ?? {})
  return recordAct(tx, actorOf(call), {
    kind,
    scope,
    details: { hold: id, ...filter, operation: operation_id, jobs, undo: undo_id, until },
  })
}

const FilterScope = z.object(scopeFields)

/** Writes the event of a hold; its reason is the one of the call, as in other events. */
export async function insertHoldEvent(
  tx: Sql,
  { caller, reason, requestId }: Pick<Acting, 'caller'> & Pick<Requested, 'reason' | 'requestId'>,
  { type, hold }: { type: 'hold.added' | 'hold.removed'; hold: Hold },
): Promise<void> {
  const { domain = null, queue = null, job_type = null } = FilterScope.parse(hold.filter ?? {})
  const { id, filter, operation_id, jobs, undo_id, until } = hold
  const attrs = { hold: id, filter, operation: operation_id, jobs, undo: undo_id, until, caller, reason }
  await tx`
    insert into job_events (domain, queue, job_type, event_type, attrs_json, request_id)
    values (
      ${domain}, ${queue}, ${job_type}, ${type}, jsonb_strip_nulls(${JSON.stringify(attrs)}::text::jsonb), ${requestId}
    )`
}
