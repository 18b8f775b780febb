import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { text } from '../work/job.ts'

/** A place keeps events of all domains until its reader has them, and the list names the next event of any domain. */
const refused = { refused: 'a kept place keeps events of all domains' } as const

/** The place of a reader in the event log, kept in the database under a name. */
export const EventCursor = z.object({
  name: z.string(),
  /** The id of the last event that the reader has dealt with. */
  after_id: z.number(),
  /** The caller to whom the cursor belongs. */
  caller: z.string(),
  moved_at: z.string(),
  /** The time of the next event, whatever the filters of the reader; null where there is none. */
  next_event_at: z.string().nullable(),
})
export type EventCursor = z.output<typeof EventCursor>

export const CursorName = text(64).regex(
  /^[A-Za-z0-9][\w.:-]*$/,
  'must begin with a letter or a digit, and have letters, digits and _ . : - only',
)

/** The cursors of the caller, by name; callers who may change jobs get those of everybody. */
export const listEventCursors = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/events/cursors',
  needs: 'read',
  scoped: refused,
  input: z.strictObject({}),
  output: z.array(EventCursor),
  changes: () => false,
})

/**
 * Registers a cursor, or moves it forward. A lower id than the cursor has leaves it where it is, so that a repeated or late call does
 * no harm.
 */
export const moveEventCursor = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/events/cursors/:name',
  needs: 'read',
  scoped: refused,
  input: z.strictObject({
    name: CursorName,
    after_id: z
      .number('must be the id of an event, or 0')
      .int('must be the id of an event, or 0')
      .min(0, 'must be the id of an event, or 0')
      .max(Number.MAX_SAFE_INTEGER, 'must be the id of an event, or 0'),
  }),
  output: EventCursor,
  changes: () => true,
  whileFrozen: true,
  unconfirmed: true,
})

/** Forgets a cursor: its reader is gone. */
export const removeEventCursor = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/events/cursors/:name/remove',
  needs: 'read',
  scoped: refused,
  input: z.strictObject({ name: CursorName }),
  output: EventCursor,
  changes: () => true,
  whileFrozen: true,
  unconfirmed: true,
})
