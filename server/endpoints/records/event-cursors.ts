import { Failure } from '../../../shared/errors.ts'
import type { EventCursor } from '../../../shared/records/event-cursors.ts'
import type { Acting, ServerContext } from '../../call.ts'
import { type Sql, staticFragment } from '../../database/sql.ts'
import { requireGivenOut } from '../../lifecycle/events/event-ids.ts'
import type { InputOf } from '../handlers.ts'

type CursorCall = Pick<ServerContext, 'sql' | 'eventWatermark'> & Pick<Acting, 'caller' | 'may'>

/** Each delays the end of events by some days, so that their number is bounded. */
const mostCursors = 100

/** The cursors of the caller; those of everybody for callers who may change jobs. */
export const listEventCursors = async ({ sql, caller, may }: CursorCall): Promise<EventCursor[]> => [
  ...(await sql<EventCursor[]>`
    select ${cursorColumns(sql)}
    from jobsctl_event_cursors as cursor
    where ${may.has('change')}::boolean or cursor.caller = ${caller}::text
    order by cursor.name`),
]

/**
 * Registers a cursor, or moves it forward.
 * @throws Failure `events_reset` for an id that the log has not given out, `forbidden` for the cursor of another caller, `conflict`
 *   where there are 100
 */
export async function moveEventCursor(
  call: CursorCall,
  { name, after_id }: InputOf<'moveEventCursor'>,
): Promise<EventCursor> {
  const { sql, caller } = call
  await requireGivenOut(sql, after_id, await call.eventWatermark.reached())
  const [moved] = await sql<EventCursor[]>`
    insert into jobsctl_event_cursors as cursor (name, after_id, caller)
    select ${name}::text, ${after_id}::bigint, ${caller}::text
    where (select count(*) from jobsctl_event_cursors where name <> ${name}::text) < ${mostCursors}::int
    on conflict (name) do update set
      after_id = greatest(cursor.after_id, excluded.after_id),
      moved_at = case when excluded.after_id > cursor.after_id then now() else cursor.moved_at end
    where cursor.caller = excluded.caller or ${call.may.has('change')}::boolean
    returning ${cursorColumns(sql)}`
  if (moved) return moved
  await requireOwn(call, name)
  throw new Failure('conflict', `there are ${mostCursors} cursors already; nothing was changed`, {
    hint: 'jobsctl doctor lists them; forget one whose reader is gone: jobsctl events --forget <name>',
  })
}

/**
 * Forgets a cursor.
 * @throws Failure `not_found`; `forbidden` for the cursor of another caller
 */
export async function removeEventCursor(
  call: CursorCall,
  { name }: InputOf<'removeEventCursor'>,
): Promise<EventCursor> {
  const [removed] = await call.sql<EventCursor[]>`
    delete from jobsctl_event_cursors as cursor
    where cursor.name = ${name}::text and (${call.may.has('change')}::boolean or cursor.caller = ${call.caller}::text)
    returning ${cursorColumns(call.sql)}`
  if (removed) return removed
  await requireOwn(call, name)
  throw new Failure('not_found', `there is no cursor ${name}; nothing was changed`, {
    hint: 'jobsctl doctor lists the cursors',
  })
}

/** @throws Failure `forbidden` */
async function requireOwn({ sql, caller, may }: CursorCall, name: string): Promise<void> {
  if (may.has('change')) return
  const [cursor] = await sql<{ caller: string }[]>`
    select caller from jobsctl_event_cursors where name = ${name}::text and caller <> ${caller}::text`
  if (!cursor) return
  throw new Failure('forbidden', `the cursor ${name} belongs to another caller; nothing was changed`, {
    hint: 'take another name, or ask a caller who may change jobs',
  })
}

/** The columns of the alias `cursor`, as the API answers them. */
const cursorColumns = staticFragment(
  (sql: Sql) => sql`
  cursor.name, cursor.after_id, cursor.caller, cursor.moved_at,
  (select created_at from job_events where id > cursor.after_id order by id limit 1) as next_event_at`,
)
