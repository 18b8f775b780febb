import type { Fragment, Sql } from '../database/sql.ts'

/**
 * What a transaction sees, as PostgreSQL writes it: `10:20:10,14`. Everything below 20 is over, but for 10 and 14.
 * A preview keeps it in place of a list of its rows.
 */
export type Seen = string

/** Transaction ids as rows have them are cut off to 32 bits. */
const wrap = 2n ** 32n

/**
 * True for rows of `jobs` that are as they were when `seen` was taken: whatever has been written since, by whatever
 * program, has another `xmin`. Compared by distance, so that neither the wrap-around of these ids nor rows that were
 * frozen long ago count as new. What a transaction of that time wrote below a savepoint cannot be told apart.
 */
export const isSeen = (sql: Sql, seen: Seen | undefined): Fragment => {
  if (seen === undefined) return sql`true`
  const { end, open } = partsOf(seen)
  return sql`(
    (jobs.xmin::text::bigint - ${String(end % wrap)}::bigint + ${String(wrap)}::bigint) % ${String(wrap)}::bigint
      >= (select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - ${String(end)}::bigint
    and jobs.xmin::text::bigint <> all(${open.map((id) => String(id % wrap))}::bigint[])
  )`
}

/** False where `seen` is of another database, or of one that has been restored since. */
export const isOfThisDatabase = (sql: Sql, seen: Seen): Fragment => sql`
  pg_snapshot_xmax(pg_current_snapshot())::text::bigint >= ${String(partsOf(seen).end)}::bigint`

function partsOf(seen: Seen): { end: bigint; open: bigint[] } {
  const [, end = '0', open = ''] = seen.split(':')
  return { end: BigInt(end), open: open === '' ? [] : open.split(',').map(BigInt) }
}
