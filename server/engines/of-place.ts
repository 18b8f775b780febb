import { namesOf } from '../database/connection/schema-names.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import { isOwnAmongOthers } from './served.ts'

/**
 * `and …`: the jobs of an operation are those of the place that a client is about. What operations keep has the keys of jobs alone, and two places
 * may have the same. Of a record without a place its domain decides; without either, nothing is taken for this place. Empty for a client that is
 * about our own jobs, or about several places.
 * @param operation an expression
 */
export function ofOperationHere(sql: Sql, operation: Fragment): Fragment {
  const place = namesOf(sql)?.place
  return place
    ? sql`and exists (
        select from job_operations as made
        left join jobsctl_operation_terms as term on term.operation_id = made.id
        where made.id = ${operation}
          and case when term.place is null then made.domain = ${place.domain}::text else term.place = ${place.table}::text end
      )`
    : sql``
}

/**
 * `and …`: an event of a job is about a job that a client is about. Of our own jobs these are the events without a key. Events of a place have a
 * domain alone: that of the place now, or one that no other place has, and that operations of this place alone had.
 * @param event the alias of the event
 */
export function ofEventHere(sql: Sql, event: Fragment): Fragment {
  if (isOwnAmongOthers(sql)) return sql`and ${event}.job_key is null`
  const place = namesOf(sql)?.place
  return place
    ? sql`and (
        ${event}.domain = ${place.domain}::text
        or (${event}.domain <> all(${[...place.served]}::text[]) and ${event}.domain in (
          select place_domain from jobsctl_operation_terms where place is not null group by place_domain having bool_and(place = ${place.table}::text)
        ))
      )`
    : sql``
}
