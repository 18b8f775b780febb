import type { Fragment, Sql } from '../database/sql.ts'

/**
 * What a preview saw, in place of a list of its rows: first what PostgreSQL says of the moment, `10:20:10,14`, that is,
 * all transactions below 20 are over but for 10 and 14. Then, after one more colon, which of those from 10 on have
 * written rows that the preview saw: for what an open transaction writes below a savepoint has an id of its own.
 */
export type Snapshot = string

/** The form of it. */
export const snapshotPattern = /^\d+:\d+:(?:\d+(?:,\d+)*)?(?::(?:\d+(?:,\d+)*)?)?$/

/**
 * A statement locks rows in the version that is there when it comes to them, which may be newer than all that it saw
 * when it began: by no more transactions than this.
 */
const newerYet = 1_000_000n

/** Transaction ids as rows have them are cut off to 32 bits. */
const wrap = 2n ** 32n

/**
 * True for rows of `jobs` that are as they were when `seen` was taken: whatever has been written since, by whatever
 * program, has another `xmin`. Compared by distance, so that neither the wrap-around of these ids nor rows that were
 * frozen long ago count as new.
 */
export const isUnchangedSince = (sql: Sql, seen: Snapshot | undefined): Fragment => {
  if (seen === undefined) return sql`true`
  const { end, open, known } = partsOf(seen)
  const since = sql`(select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - ${String(end - newerYet)}::bigint`
  const ofOpen = sql`jobs.xmin::text::bigint <> all(${idsOf(open)}::bigint[])`
  const ofKnown = sql`(not ${isWrittenRecently(sql, seen)} or jobs.xmin::text::bigint = any(${idsOf(known ?? [])}::bigint[]))`
  const [oldest = end] = open
  // Nearly all rows, told by a look that costs next to nothing.
  const isOlder = sql`age(jobs.xmin) > (select age(${String(oldest % wrap)}::text::xid))`
  return sql`(${isOlder} or (${distance(sql, end)} >= ${since} and ${known ? ofKnown : ofOpen}))`
}

/** True for rows written by transactions that began after the oldest one that was open. */
export const isWrittenRecently = (sql: Sql, seen: Snapshot): Fragment => {
  const { end, open } = partsOf(seen)
  const [oldest = end] = open
  return sql`${distance(sql, oldest)} < ${String(end - oldest)}::bigint`
}

/** False where no transaction that writes was open, and so no row can be in doubt. */
export const hasOpenTransactions = (seen: Snapshot): boolean => partsOf(seen).open.length > 0

/** False where `seen` is of another database, or of one that has been restored since. */
export const isFromThisDatabase = (sql: Sql, seen: Snapshot): Fragment => sql`
  pg_snapshot_xmax(pg_current_snapshot())::text::bigint >= ${String(partsOf(seen).end)}::bigint`

/** How many transactions after this one a row was written; what was written before it is far around the circle. */
const distance = (sql: Sql, id: bigint): Fragment => sql`
  (jobs.xmin::text::bigint - ${String(id % wrap)}::bigint + ${String(wrap)}::bigint) % ${String(wrap)}::bigint`

const idsOf = (ids: readonly bigint[]): string[] => ids.map((id) => String(id % wrap))

function partsOf(seen: Snapshot): { end: bigint; open: bigint[]; known: bigint[] | undefined } {
  const [, end = '0', open = '', known] = seen.split(':')
  const list = (text: string) => (text === '' ? [] : text.split(',').map(BigInt))
  return { end: BigInt(end), open: list(open), known: known === undefined ? undefined : list(known) }
}
