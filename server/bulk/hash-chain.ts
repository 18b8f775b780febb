import { takeLock } from '../database/advisory-locks.ts'
import { limitIdleTime } from '../database/idle-timeout.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import { staticFragment } from '../database/static-fragment.ts'

/** The columns that a seal covers: all columns of a record that stay as they are after its close. */
const sealed = staticFragment(
  (sql) => sql`
  jsonb_build_array(
    id, kind, domain, queue, job_type, filters, ${microseconds(sql, sql`as_of`)}, seen, caller, reason, request_id, idempotency_key,
    request_hash, preview_id, previewed, affected, skipped_locked, batches, counts, answer, error,
    ${microseconds(sql, sql`started_at`)}, ${microseconds(sql, sql`ended_at`)}, undoes, ended_as, day, number
  )::text`,
)

const microseconds = (sql: Sql, time: Fragment): Fragment =>
  sql`to_char(${time} at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US BC')`

const hashed = (sql: Sql, previous: Fragment): Fragment =>
  sql`encode(sha256(convert_to(${previous} || ${sealed(sql)}, 'UTF8')), 'hex')`

/**
 * Seals a closed record as the last of its day. The hash covers the record and the seal before it, so that a record which
 * is altered, deleted or inserted later breaks the chain. An advisory lock of the transaction orders concurrent seals.
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
  // A record joins the last day that exists: after a clock was set back, no earlier day begins.
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

/** The result of the verification for one day. */
export interface SealedDay {
  /** `YYYY-MM-DD`, or `unsealed` for records that belong to no day. */
  day: string
  operations: number
  /** Ids of records whose hash, number or state is not as it was sealed. */
  broken: number[]
  /** How many records, or links between days, are missing. */
  missing: number
}

/** Computes every seal again, day by day. The first day has no link that can be checked: an earlier day may be deleted. */
export const verifyChain = (sql: Sql) => sql<SealedDay[]>`
  with checked as (
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
    from checked
    group by day
  )
  select
    coalesce(days.day::text, by_day.day::text, 'unsealed') as day,
    coalesce(operations, 0) as operations,
    coalesce(broken, '[]') as broken,
    greatest(coalesce(length, 0) - coalesce(operations, 0), 0)
      -- A day that does not begin with the head of the day before, or does not end with its own head, lacks a record.
      + case when before is distinct from previous and before is not null then 1 else 0 end
      + case when operations > length then 1 else 0 end
      + case when operations = length and head is distinct from last then 1 else 0 end as missing
  from days
  full join by_day on by_day.day = days.day
  order by day`

/** Ids of the operations that sealed undos with at least one changed job name. */
const undone = staticFragment(
  (sql) => sql`
  select undoes from job_operations where undoes is not null and affected > 0 and hash is not null`,
)

/** True for a record `o` whose state is the sealed one, or `undone` together with the sealed record of that undo. */
const stateIsRight = staticFragment(
  (sql) => sql`(
  (state = ended_as and undone_by is null and (state = 'failed' or o.id <> all(array(${undone(sql)}))))
  or (state = 'undone' and exists (
    select from job_operations undo where undo.id = o.undone_by and undo.undoes = o.id and undo.hash is not null
  ))
)`,
)
