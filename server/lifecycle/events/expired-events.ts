import { Failure } from '../../../shared/errors.ts'
import { askedName, inScope, type Narrowed } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { type EventIds, eventSequence } from './event-ids.ts'

/**
 * A statement that notes how far events have been deleted, by group. `rows` has `id, domain, queue, job_type` of the deleted
 * events. Returns nothing.
 */
export const noteExpired = (sql: Sql, rows: Fragment): Fragment => sql`
  insert into jobsctl_expired_events as known (domain, queue, job_type, last_id)
  select domain, queue, job_type, max(id)
  from (
    select
      id,
      ${askedName(sql, sql`domain`)} as domain,
      ${askedName(sql, sql`queue`)} as queue,
      ${askedName(sql, sql`job_type`)} as job_type
    from (${rows}) as event
  ) as named
  group by domain, queue, job_type
  order by domain, queue, job_type
  on conflict (domain, queue, job_type) do update set last_id = excluded.last_id
  where known.last_id < excluded.last_id`

/** Forgets ids that the sequence has not given out: the log was emptied, and its ids began again. */
export const forgetImpossible = (sql: Sql) => sql`
  delete from jobsctl_expired_events where last_id > pg_sequence_last_value(${eventSequence(sql)})`

/**
 * The ids of the log, if an event of the scope with a higher id than `cursor` has been deleted because its term was over. `oldest_id` is
 * the first from which on no event of the scope is missing.
 */
export async function expiredAfter(sql: Sql, cursor: number, scope: Narrowed): Promise<EventIds | undefined> {
  const [ids] = await sql<EventIds[]>`
    select
      (select id from job_events where id > last_id order by id limit 1) as oldest_id,
      greatest(pg_sequence_last_value(${eventSequence(sql)}), last_id) as newest_id
    from (
      select max(last_id) as last_id from jobsctl_expired_events where true ${inScope(sql, scope)}
    ) as expired
    where last_id > ${cursor}::bigint`
  return ids
}

/** The id after which a reader goes on that has missed events. */
export const afterExpired = ({ oldest_id, newest_id }: EventIds): number =>
  oldest_id === null ? newest_id : oldest_id - 1

/** The failure of a reader whose next events have been deleted. */
export const eventsExpired = (cursor: number, ids: EventIds): Failure =>
  new Failure('events_expired', `events after the id ${cursor} have been deleted, since their term was over`, {
    hint: `read what you need again, and go on with after_id=${afterExpired(ids)}`,
    fields: { ...ids },
  })
