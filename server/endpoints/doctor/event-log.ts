import type { EventLogPart } from '../../../shared/doctor/storage.ts'
import type { Sql } from '../../database/sql.ts'
import { isOfKind, lastSeal } from '../../lifecycle/events/event-retention.ts'
import { type EventKind, readEventTerms } from '../../lifecycle/events/event-terms.ts'

/** The terms of both kinds of events, and the oldest event of each that its term can end. */
export async function readEventLog(sql: Sql): Promise<EventLogPart[]> {
  const terms = await readEventTerms(sql)
  // Another program may have given the column another type, which a function would not take.
  const oldest = (kind: EventKind) => sql<{ created_at: string }[]>`
    select created_at
    from job_events
    where ${isOfKind[kind](sql)}
      and created_at > '-infinity' and created_at < 'infinity'
      and id < (select max(id) from job_events)
      and id is distinct from (${lastSeal(sql)})
    order by id
    limit 1`
  const [[step], [action]] = await Promise.all([oldest('steps'), oldest('audit')])
  return [
    { kind: 'steps', days: terms.steps, oldest: step?.created_at ?? null },
    { kind: 'audit', days: terms.audit, oldest: action?.created_at ?? null },
  ]
}
