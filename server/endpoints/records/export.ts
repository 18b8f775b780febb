import { Failure } from '../../../shared/errors.ts'
import type { SealedRecord } from '../../../shared/records/export.ts'
import { sealedText } from '../../bulk/chain/hash-chain.ts'
import type { Acting, ServerContext } from '../../call.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import type { InputOf } from '../handlers.ts'
import { hiddenFilters } from '../hidden.ts'

/** A page ends after the record that brings it to this number of bytes: a filter may have a million ids. */
const pageBytes = 4_000_000

/**
 * Sealed records in the order of the chain, with the text under each seal.
 * @throws Failure `not_found` where the record of `after_id` is not in the chain
 */
export async function exportOperations(
  { sql, may }: Pick<ServerContext, 'sql'> & Pick<Acting, 'may'>,
  { since, until, after_id, limit }: InputOf<'exportOperations'>,
): Promise<SealedRecord[]> {
  const after = after_id > 0 ? await positionOf(sql, after_id) : undefined
  return [
    ...(await sql<SealedRecord[]>`
      with page as materialized (
        select id, kind, day, number, hash, filters ?| ${`{${hiddenFilters({ may }).join(',')}}`}::text[] as hidden, ${sealedText(sql)} as text
        from job_operations
        where hash is not null
          ${after ? sql`and (day, number) > (${after.day}::date, ${after.number}::int)` : sql``}
          ${since ? sql`and (day, number) >= (${firstSince(sql, since)})` : sql``}
          ${until ? sql`and (day, number) <= (${lastBefore(sql, until)})` : sql``}
        order by day, number
        limit ${limit}
      ),
      measured as (
        select *, sum(octet_length(text)) over (order by day, number) - octet_length(text) as bytes_before from page
      )
      select id, kind, day::text as day, number, ${previous(sql)} as previous, case when not hidden then text end as sealed, hash
      from measured
      where bytes_before < ${pageBytes}
      order by measured.day, number`),
  ]
}

/** The hash of the record before, as it is stored now: of the same day, or the last one of the days before. */
const previous = (sql: Sql): Fragment => sql`
  case
    when number = 1 then (select previous from job_operation_days as chain where chain.day = measured.day)
    else (select hash from job_operations as before where before.day = measured.day and before.number = measured.number - 1)
  end`

/** A record joins the chain of the day on which it ended, or of a later one after a clock was set back. */
const firstSince = (sql: Sql, since: string): Fragment => sql`
  select day, number
  from job_operations
  where hash is not null and ended_at >= ${since}::text::timestamptz
    and day >= (${since}::text::timestamptz at time zone 'utc')::date
  order by day, number
  limit 1`

const lastBefore = (sql: Sql, until: string): Fragment => sql`
  select day, number
  from job_operations
  where hash is not null and ended_at < ${until}::text::timestamptz
  order by day desc, number desc
  limit 1`

async function positionOf(sql: Sql, id: number): Promise<{ day: string; number: number }> {
  const [place] = await sql<{ day: string; number: number }[]>`
    select day::text as day, number from job_operations where id = ${id}::bigint and hash is not null`
  if (place) return place
  throw new Failure('not_found', `there is no sealed record ${id}`, { hint: 'begin the export again' })
}
