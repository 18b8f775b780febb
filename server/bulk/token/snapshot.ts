import { namesOf } from '../../database/connection/schema-names.ts'
import type { Fragment, Sql } from '../../database/sql.ts'

/**
 * Which rows a preview saw. The first three parts are a `pg_snapshot` of PostgreSQL: `10:20:10,14` means that all
 * transactions below 20 had ended, except 10 and 14. A fourth part, after one more colon, lists the transactions from 10 on
 * that wrote rows which the preview saw; an open transaction has a further id for each savepoint, so the first three parts
 * alone cannot tell these rows apart. A fifth part has the fingerprints of jobs whose rows their engine may write again without changing the
 * jobs; the fourth may be empty then.
 */
export type Snapshot = string

/**
 * The snapshot for rows that the preview may have seen and did not count, of which its last two parts say nothing. What an open transaction wrote below
 * a savepoint counts as seen.
 */
export const ofEveryRow = (seen: Snapshot): Snapshot => seen.split(':').slice(0, 3).join(':')

/** The syntax of a snapshot. */
export const snapshotPattern = /^\d+:\d+:(?:\d+(?:,\d+)*)?(?::(?:-|\d+(?:,\d+)*)?(?::[.\w]+(?:,[.\w]+)*)?)?$/

/**
 * A statement locks the latest version of a row, which may be newer than the statement's own snapshot. This is the largest
 * number of transactions by which the version may be newer.
 */
const mostNewer = 1_000_000n

/** The `xmin` of a row has 32 bits of the 64-bit transaction id. */
const wrap = 2n ** 32n

/**
 * True for rows of `jobs` that no program wrote after `seen` was taken, since every write gives a row another `xmin`. The
 * comparison uses distances between ids, so that neither the wrap-around of 32-bit ids nor frozen rows count as new.
 * @param of the table behind the alias `jobs`
 */
export const isUnchangedSince = (sql: Sql, seen: Snapshot | undefined, of: ReadTable = 'jobs'): Fragment => {
  if (seen === undefined) return sql`true`
  const { end, open, known, rewritten } = partsOf(seen)
  const since = sql`(select pg_snapshot_xmax(pg_current_snapshot())::text::bigint) - ${String(end - mostNewer)}::bigint`
  const ofOpen = sql`jobs.xmin::text::bigint <> all(${idsOf(open)}::bigint[])`
  const ofKnown = sql`(not ${isWrittenRecently(sql, seen)} or jobs.xmin::text::bigint = any(${idsOf(known ?? [])}::bigint[]))`
  const [oldest = end] = open
  // A cheap test that is true for nearly all rows.
  const isOlder = sql`age(jobs.xmin) > (select age(${String(oldest % wrap)}::text::xid))`
  const isUnwritten = sql`(${isOlder} or (${distance(sql, end)} >= ${since} and ${known ? ofKnown : ofOpen}) ${orRewritten(sql, rewritten)})`
  const parts = partsOfTable(sql, of)
  if (!parts) return isUnwritten
  const isAttached = sql`(
      ${distance(sql, end, sql`pg_inherits.xmin`)} < ${since} or pg_inherits.xmin::text::bigint = any(${idsOf(open)}::bigint[])
    )`
  return sql`(${isUnwritten} and ${isOfKnownPartition(sql, parts, isAttached)})`
}

/** A table that has the rows of the alias `jobs`. */
type ReadTable = 'jobs' | 'jobs_archive' | 'job_events'

/** The column with the partition of a row, and an expression of the table whose partitions these are. */
interface PartsOfTable {
  column: string
  table: Fragment
}

/** Undefined where nobody attaches tables with older rows. */
function partsOfTable(sql: Sql, of: ReadTable): PartsOfTable | undefined {
  const foreign = of === 'job_events' ? undefined : namesOf(sql)?.jobs
  if (!foreign) return { column: 'tableoid', table: sql.unsafe(`to_regclass('${of}')`) }
  const { part } = foreign
  return of === 'jobs' && part
    ? { column: part.column, table: sql`pg_catalog.to_regclass(${part.of}::text)` }
    : undefined
}

/**
 * True for jobs whose partition was attached before the snapshot. The rows of a table that was attached since may be older than the preview, which has
 * not shown them. An attachment below a savepoint of a transaction that was open then counts as before. No partition is locked.
 * @param isAttached true for rows of `pg_inherits` since the snapshot
 */
const isOfKnownPartition = (sql: Sql, { column, table }: PartsOfTable, isAttached: Fragment): Fragment => sql`
  ${sql.unsafe(`jobs.${column}`)} <> all(array(
    with recursive parts (part, is_attached) as (
      select ${table}::oid, false
      union all
      select inhrelid, is_attached or ${isAttached} from parts join pg_inherits on inhparent = part
    )
    select part from parts where is_attached
  ))`

/** `or …`: the engine may have written the row since, and the job is the same. */
function orRewritten(sql: Sql, fingerprints: readonly string[]): Fragment {
  const known = namesOf(sql)?.jobs?.rewritten
  return known && fingerprints.length > 0
    ? sql`or ${known.fingerprint(sql)} = any(${[...fingerprints]}::text[])`
    : sql``
}

/** True for rows written by transactions that began after the oldest transaction that was open at `seen`. */
export const isWrittenRecently = (sql: Sql, seen: Snapshot): Fragment => {
  const { end, open } = partsOf(seen)
  const [oldest = end] = open
  return sql`${distance(sql, oldest)} < ${String(end - oldest)}::bigint`
}

/** False where no writing transaction was open, so that every row is either seen or not. */
export const hasOpenTransactions = (seen: Snapshot): boolean => partsOf(seen).open.length > 0

/** False where `seen` is of another database, or the database was restored after `seen` was taken. */
export const isFromThisDatabase = (sql: Sql, seen: Snapshot): Fragment => sql`
  pg_snapshot_xmax(pg_current_snapshot())::text::bigint >= ${String(partsOf(seen).end)}::bigint`

/** How many transactions after `id` a row was written, modulo 2^32; for rows written before `id` the number is near 2^32. */
const distance = (sql: Sql, id: bigint, xmin = sql`jobs.xmin`): Fragment => sql`
  (${xmin}::text::bigint - ${String(id % wrap)}::bigint + ${String(wrap)}::bigint) % ${String(wrap)}::bigint`

const idsOf = (ids: readonly bigint[]): string[] => ids.map((id) => String(id % wrap))

interface Parts {
  end: bigint
  open: bigint[]
  known: bigint[] | undefined
  rewritten: string[]
}

function partsOf(seen: Snapshot): Parts {
  const [, end = '0', open = '', known = undecided, rewritten] = seen.split(':')
  const list = (text: string) => (text === '' ? [] : text.split(',').map(BigInt))
  return {
    end: BigInt(end),
    open: list(open),
    known: known === undecided ? undefined : list(known),
    rewritten: rewritten?.split(',') ?? [],
  }
}

/** Stands in place of the fourth part where no transaction was open, and a fifth part follows. */
const undecided = '-'

interface Seen {
  /** The snapshot of PostgreSQL. */
  now: string
  /** The transactions of rows in doubt; null where no row is in doubt. */
  recent: readonly number[] | null
  /** Fingerprints of the jobs whose rows their engine may write again. */
  rewritten: readonly string[]
}

/** The snapshot of a preview. */
export function snapshotOf({ now, recent, rewritten }: Seen): Snapshot {
  if (rewritten.length === 0) return recent === null ? now : `${now}:${recent.join(',')}`
  return `${now}:${recent === null ? undecided : recent.join(',')}:${rewritten.join(',')}`
}
