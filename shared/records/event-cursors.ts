import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Instant, Integer } from '../scope.ts'
import { text } from '../work/job.ts'

/** A place keeps events of all domains until its reader has them, and the list names the next event of any domain. */
const refused = { refused: 'a kept place keeps events of all domains' } as const

/** The place of a reader in the event log, kept in the database under a name. */
export const EventCursor = z.object({
  name: z.string().describe('The name of the cursor.'),
  after_id: Integer.describe('The id of the last event that the reader has dealt with.'),
  caller: z.string().describe('The caller to whom the cursor belongs.'),
  moved_at: Instant.describe('When the cursor was moved last.'),
  next_event_at: Instant.nullable().describe(
    'The time of the next event, whatever the filters of the reader; null where there is none.',
  ),
})
export type EventCursor = z.output<typeof EventCursor>

export const CursorName = text(64).regex(
  /^[A-Za-z0-9][\w.:-]*$/,
  'must begin with a letter or a digit, and have letters, digits and _ . : - only',
)

export const listEventCursors = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/events/cursors',
  meaning: 'The cursors of the caller in the event log, by name; those of everybody for callers who may change jobs.',
  needs: 'read',
  scoped: refused,
  verb: 'events',
  input: z.strictObject({}),
  output: z.array(EventCursor),
  changes: () => false,
})

/** A lower id leaves the cursor where it is, so that a repeated or late call does no harm. */
export const moveEventCursor = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/events/cursors/:name',
  meaning:
    'Registers a cursor, or moves it forward; a lower `after_id` than it has leaves it where it is. Events that it has not passed stay for 7 days beyond their term. At most 100 cursors.',
  needs: 'read',
  scoped: refused,
  verb: 'events',
  input: z.strictObject({
    name: CursorName.describe('a letter or a digit, then letters, digits and `_ . : -`, at most 64'),
    after_id: z
      .number('must be the id of an event, or 0')
      .int('must be the id of an event, or 0')
      .min(0, 'must be the id of an event, or 0')
      .max(Number.MAX_SAFE_INTEGER, 'must be the id of an event, or 0')
      .describe('the id of the last event that the reader has dealt with'),
  }),
  output: EventCursor,
  changes: () => true,
  whileFrozen: true,
  unconfirmed: true,
})

export const removeEventCursor = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/events/cursors/:name/remove',
  meaning: 'Forgets a cursor, since its reader is gone. The answer has its last place.',
  needs: 'read',
  scoped: refused,
  verb: 'events',
  input: z.strictObject({ name: CursorName.describe('the name of the cursor') }),
  output: EventCursor,
  changes: () => true,
  whileFrozen: true,
  unconfirmed: true,
})
