import { holdLock } from '../../database/locks/hold-lock.ts'
import { type Fragment, type Sql, staticFragment, type Transaction } from '../../database/sql.ts'

/** The text under a seal: all columns of a record that stay as they are after its close, as a JSON list. */
export const sealedText = staticFragment(
  (sql) => sql`
  jsonb_build_array(
    id, kind, domain, queue, job_type, filters, ${microseconds(sql, sql`as_of`)}, seen, caller, reason, request_id, idempotency_key,
    request_hash, preview_id, previewed, affected, skipped_locked, batches, counts, answer, error,
    ${microseconds(sql, sql`started_at`)}, ${microseconds(sql, sql`ended_at`)}, undoes, ended_as, day, number
  )::text`,
)

const microseconds = (sql: Sql, time: Fragment): Fragment =>
  sql`to_char(${time} at time zone 'utc', 'YYYY-MM-DD HH24:MI:SS.US BC')`

/** The hash of a record of `job_operations`: over the hash before it, and over the record. The formula of version 1. */
export const hashed = (sql: Sql, previous: Fragment): Fragment =>
  sql`encode(sha256(convert_to(${previous} || ${sealedText(sql)}, 'UTF8')), 'hex')`

/** The version of the formula of second seals. Records of earlier servers have no second seal. */
const version = 2

/**
 * The second seal of a record: over its hash, and over what the hash does not cover. A change of this formula needs another
 * version, since each seal is verified by the formula of its own version.
 */
export const secondSeal = (sql: Sql): Fragment => sql`
  encode(sha256(convert_to(jsonb_build_array(hash, ${microseconds(sql, sql`touched_at`)})::text, 'UTF8')), 'hex')`

/**
 * Seals a closed record as the last of its day. The hash covers the record and the seal before it, so that a record which
 * is altered, deleted or inserted later breaks the chain. A lock of the transaction orders concurrent seals.
 */
export async function sealRecord(tx: Transaction, id: number): Promise<void> {
  await holdLock(tx, 'chain')
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
  await sealAgain(tx, id)
}

/**
 * Writes the second seal, and an event with both seals: an edit of the tables of records does not reach the event log, whose
 * readers may have the event already. A failed operation changed no job and has no event: a log that accepts no event would
 * otherwise keep the record of the failure from being closed.
 */
const sealAgain = (tx: Sql, id: number) => tx`
  with seal as (
    insert into jobsctl_seals (operation_id, version, hash)
    select id, ${version}::int, ${secondSeal(tx)} from job_operations where id = ${id}::bigint
    on conflict (operation_id) do update set version = excluded.version, hash = excluded.hash
    returning operation_id, version, hash
  )
  insert into job_events (event_type, domain, queue, job_type, attrs_json, request_id)
  select 'operation.sealed', domain, queue, job_type,
    jsonb_build_object(
      'operation', record.id, 'day', record.day, 'number', record.number, 'hash', record.hash, 'version', seal.version, 'seal', seal.hash
    ),
    request_id
  from job_operations record
  join seal on seal.operation_id = record.id
  where ended_as <> 'failed'`
