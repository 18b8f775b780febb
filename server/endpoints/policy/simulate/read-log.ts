import type { Sql } from '../../../database/sql.ts'

/** The most events that one simulation reads, the newest ones. */
export const mostEvents = 500_000

/** The part of the event log that a simulation reads. */
export interface EventLog {
  /** The events after this id are read. */
  after: number
  /** The time of the first of them, in ISO 8601; null where there is none. */
  begins: string | null
  /** There are earlier events, which are not read. */
  isCut: boolean
}

/** Finds the newest events. */
export async function readLog(sql: Sql): Promise<EventLog> {
  const [log] = await sql<[EventLog]>`
    with newest as (select coalesce(max(id), 0) - ${mostEvents}::bigint as after from job_events)
    select
      after,
      (select created_at from job_events where id > after order by id limit 1) as begins,
      exists (select from job_events where id <= after) as "isCut"
    from newest`
  return log
}
