import { takeLock } from '../database/advisory-locks.ts'
import { limitIdleTime } from '../database/idle-timeout.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import { staticFragment } from '../database/static-fragment.ts'

/** What a seal is over: all of a record that does not change once it has ended. */
const sealed = staticFragment(
  (sql) => sql`
  jsonb_build_array(
    id, kind, domain, queue, job_type, filters, ${exactly(sql, sql`as_of`)}, seen, caller, reason, request_id, idempotency_key,
    request_hash, preview_id, previewed, affected, skipped_locked, batches, counts, answer, error,
    ${exactly(sql, sql`started_at`)}, ${exactly(sql, sql`ended_at`)}, undoes, ended_as, day, number
  )::text`,
)

const exactly = (sql: Sql, time: Fragment): Fragment =>
  sql`to_char(${time} at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US BC')`

const hashed = (sql: Sql, previous: Fragment): Fragment =>
  sql`encode(sha256(convert_to(${previous} || ${sealed(sql)}, 'UTF8')), 'hex')`

/**
 * Seals a record that has ended, as the last of its day: its hash is over itself and over the seal before it, so that
 * whatever is altered, taken out or put in afterwards shows. One at a time, by the row of the day.
 */
export async function sealRecord(tx: Sql, id: number): Promise<void> {
  await tx`select ${limitIdleTime(tx)}, ${takeLock(tx, 'chain')}`
  await tx`
    insert into job_operation_days (day, previous, head)
    select today, coalesce(last.head, ''), coalesce(last.head, '')
    from (select (clock_timestamp() at time zone 'utc')::date as today) as clock
    left join lateral (
      select head from job_operation_days where day < today order by day desc limit 1
    ) as last on true
    on conflict do nothing`
  // The last day there is: a clock that was set back must not begin an earlier one.
  await tx`
    update job_operations
    set ended_as = state, day = last.day, number = last.length + 1
    from (select day, length from job_operation_days order by day desc limit 1) as last
    where id = ${id}::bigint`
  await tx`
    update job_operations
    set hash = ${hashed(tx, tx`(select head from job_operation_days last where last.day = job_operations.day)`)}
    where id = ${id}::bigint`
  await tx`
    update job_operation_days
    set length = number, head = hash
    from job_operations
    where id = ${id}::bigint and job_operation_days.day = job_operations.day`
}

export interface SealedDay {
  day: string
  operations: number
  broken: number[]
  missing: number
}

/** Looks at every seal again, day by day; the first day that is kept may follow one that is not. */
export const verifyChain = (sql: Sql) => sql<SealedDay[]>`
  with looked as (
    select
      day, id, number, hash,
      hash is distinct from ${hashed(
        sql,
        sql`coalesce(lag(hash) over (partition by day order by number), (select previous from job_operation_days d where d.day = o.day), '?')`,
      )}
      or number is distinct from row_number() over (partition by day order by number)
      or not ${stateIsRight(sql)} as broken
    from job_operations o
    where state <> 'running'
  ),
  days as (
    select
      days.day, length, head, previous,
      lag(head) over (order by days.day) as before
    from job_operation_days days
  ),
  by_day as (
    select
      day, count(*) as operations, coalesce(jsonb_agg(id order by id) filter (where broken), '[]') as broken,
      (array_agg(hash order by number desc))[1] as last
    from looked
    group by day
  )
  select
    coalesce(days.day::text, by_day.day::text, 'unsealed') as day,
    coalesce(operations, 0) as operations,
    coalesce(broken, '[]') as broken,
    greatest(coalesce(length, 0) - coalesce(operations, 0), 0)
      -- A chain that does not begin with the end of the one before, or does not end as it says, lacks something, too.
      + case when before is distinct from previous and before is not null then 1 else 0 end
      + case when operations > length then 1 else 0 end
      + case when operations = length and head is distinct from last then 1 else 0 end as missing
  from days
  full join by_day on by_day.day = days.day
  order by day`

const undone = staticFragment(
  (sql) => sql`
  select undoes from job_operations where undoes is not null and affected > 0 and hash is not null`,
)

/** An undo changes the state of what it takes back: then there must be that undo. */
const stateIsRight = staticFragment(
  (sql) => sql`(
  (state = ended_as and undone_by is null and (state = 'failed' or o.id <> all(array(${undone(sql)}))))
  or (state = 'undone' and exists (
    select from job_operations undo where undo.id = o.undone_by and undo.undoes = o.id and undo.hash is not null
  ))
)`,
)
