import { Failure } from '../../../shared/errors.ts'
import type { Fragment, Sql } from '../../database/sql.ts'

/** The sequence of `job_events.id`, as a regclass; null where the column has none. */
export const eventSequence = (sql: Sql): Fragment =>
  sql`pg_get_serial_sequence(to_regclass('job_events')::text, 'id')::regclass`

/** The ids of the event log. */
export interface EventIds {
  /** The lowest id that is stored; null for an empty log. */
  oldest_id: number | null
  /** The last id that was given out: an event with it may have been deleted, or rolled back. */
  newest_id: number
}

/**
 * The ids of the log, if no event with the id `cursor` can ever have existed in it: the cursor is above the last value of the
 * sequence. The highest stored id would not do, because the log may be empty.
 */
export async function idsBelow(sql: Sql, cursor: number): Promise<EventIds | undefined> {
  const [ids] = await sql<EventIds[]>`
    select (select id from job_events order by id limit 1) as oldest_id, last_value as newest_id
    from (select coalesce(pg_sequence_last_value(${eventSequence(sql)}), 0)::bigint as last_value) as sequence
    where ${eventSequence(sql)} is not null and last_value < ${cursor}::bigint`
  return ids
}

/**
 * Checks the place of a reader.
 * @param last the watermark of the log, up to which every id has been given out
 * @throws Failure `events_reset` for an id that the log has not given out yet
 */
export async function requireGivenOut(sql: Sql, after_id: number, last: number): Promise<void> {
  const ids = after_id > last ? await idsBelow(sql, after_id) : undefined
  if (!ids) return
  throw new Failure(
    'events_reset',
    `the event log has given out no id above ${ids.newest_id}, and after_id is ${after_id}`,
    {
      hint: 'after_id is of another log, or of a lost part of this one: read what you need again, and go on after newest_id',
      fields: { ...ids },
    },
  )
}
