import { type Sql, staticFragment } from '../../database/sql.ts'
import { hashed, secondSeal } from './hash-chain.ts'

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

/** The events of seals, with their attributes as text: another program may have written any value. */
const witnessed = staticFragment(
  (sql) => sql`
  select
    attrs_json ->> 'operation' as operation, attrs_json ->> 'day' as day, attrs_json ->> 'hash' as hash,
    attrs_json ->> 'version' as version, attrs_json ->> 'seal' as seal
  from job_events
  where event_type = 'operation.sealed' and attrs_json ->> 'operation' is not null`,
)

/**
 * The ids of records that differ from their second seal. A seal of another version is not checked: the server that knows its
 * formula checks it.
 */
const resealed = staticFragment(
  (sql) => sql`
  select id
  from job_operations
  join (select operation_id, version, hash as seal from jobsctl_seals) as seals on operation_id = id
  where version = 2 and seal <> ${secondSeal(sql)}`,
)

/** The ids, as text, of records that differ from the event of their seal. Needs the CTE `witnessed`. */
const contradicted = staticFragment(
  (sql) => sql`
  select operation
  from witnessed
  join job_operations on job_operations.id::text = operation
  left join jobsctl_seals seals on seals.operation_id = job_operations.id
  where (witnessed.hash, witnessed.version, witnessed.seal)
    is distinct from (job_operations.hash, seals.version::text, seals.hash)`,
)

/**
 * The number of records that are gone though the event of their seal is there, by day. Whole days from the first one on may
 * be deleted: the next day then begins with their last hash, and only the first day ever begins with an empty text. Needs the CTE `witnessed`.
 */
const lost = staticFragment(
  (sql) => sql`
  select day, count(distinct operation) as missing
  from witnessed
  left join (select day as first_day, previous from job_operation_days order by day limit 1) as first on true
  where not exists (select from job_operations where job_operations.id::text = operation)
    and (day >= first_day::text or coalesce(previous, '') = '')
  group by day`,
)

/**
 * Computes every seal again, day by day, each by the formula of its version, and compares the seals with their events. The
 * first day has no link that can be checked: an earlier day may be deleted.
 */
export const verifyChain = (sql: Sql) => sql<SealedDay[]>`
  with witnessed as materialized (${witnessed(sql)}),
  checked as (
    select
      day, id, number, hash,
      hash is distinct from ${hashed(
        sql,
        sql`coalesce(lag(hash) over (partition by day order by number), (select previous from job_operation_days d where d.day = o.day), '?')`,
      )}
      or number is distinct from row_number() over (partition by day order by number)
      or id in (${resealed(sql)})
      or id::text in (${contradicted(sql)})
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
  ),
  lost as (${lost(sql)})
  select
    coalesce(days.day::text, by_day.day::text, lost.day, 'unsealed') as day,
    coalesce(operations, 0) as operations,
    coalesce(broken, '[]') as broken,
    greatest(coalesce(length, 0) - coalesce(operations, 0), coalesce(lost.missing, 0), 0)
      -- A day that does not begin with the head of the day before, or does not end with its own head, lacks a record.
      + case when before is distinct from previous and before is not null then 1 else 0 end
      + case when operations > length then 1 else 0 end
      + case when operations = length and head is distinct from last then 1 else 0 end as missing
  from days
  full join by_day on by_day.day = days.day
  full join lost on lost.day = coalesce(days.day, by_day.day)::text
  order by day`

/** The last hash of the chain, and whether a hash that the caller kept is part of the chain. */
export interface ChainHead {
  /** Null where no record was ever sealed. */
  head: string | null
  /** Null where the caller kept no hash. */
  expected: boolean | null
}

/**
 * Reads the last hash, and looks for a hash that was kept elsewhere. In a chain whose seals are right, the last hash descends
 * from every hash in it.
 */
export async function readChainHead(sql: Sql, kept: string | undefined): Promise<ChainHead> {
  const [row] = await sql<[ChainHead]>`
    select
      nullif((select head from job_operation_days order by day desc limit 1), '') as head,
      case when ${kept ?? null}::text is not null then
        exists (select from job_operations where hash = ${kept ?? null}::text and state <> 'running')
        or exists (select from job_operation_days where previous = ${kept ?? null}::text)
      end as expected`
  return row
}

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
