import type { TokenScope } from '../../../shared/access/token-scope.ts'
import type { Preview } from '../../../shared/changes/bulk-change.ts'
import { isUndoable } from '../../../shared/changes/kinds.ts'
import { hasSafeId } from '../../database/planner-hints.ts'
import { isRecordWithin } from '../../database/scope-of-record.ts'
import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'
import type { BulkChange, MoreOfSet } from '../change/bulk-change.ts'
import { withHolds } from '../change/with-holds.ts'
import { previewLifetimeSeconds } from '../token/preview-token.ts'
import type { Snapshot } from '../token/snapshot.ts'
import { dependentsColumns } from './count.ts'
import { grouped, groups, owners, reasons, recentTransactions, rewrittenBy, rewrittenJobs } from './preview-groups.ts'

const sampleSize = 200
const mostSampleIds = 10

/** The part of a bulk change that a preview needs. */
export type Previewable = Pick<
  BulkChange<unknown>,
  'kind' | 'filters' | 'scope' | 'matching' | 'time' | 'restorable' | 'reason' | 'dependents' | 'keptByHold'
>

/** The time and the snapshot of a preview, and the key that signs it. */
export interface Moment extends Pick<Preview, 'as_of' | 'expires_at'> {
  now: Snapshot
  /** Null where the database has no signing key. */
  key: string | null
}

/** What the statement of a preview returns; `more` is the row that the caller asked for beside the counts. */
export interface Described<More>
  extends Moment,
    Omit<
      Preview,
      | 'token'
      | 'no_way_back'
      | 'eta_seconds'
      | 'archive_bytes'
      | 'kept_days'
      | 'wal_bytes'
      | 'archive_full'
      | 'not_watched'
    > {
  /** The rate of the last large changes of this kind, in jobs a second; null where there was none. */
  pace: number | null
  /** The transactions that wrote the rows of the set that are in doubt; null where no row can be in doubt. */
  recent: number[] | null
  /** Fingerprints of the jobs of the set whose rows their engine may write again. */
  rewritten: string[]
  more: More
}

export const moments = (sql: Sql): Fragment => sql`
  now() as as_of,
  now() + ${previewLifetimeSeconds}::int * interval '1 second' as expires_at,
  pg_current_snapshot()::text as now,
  (select value from jobsctl_settings where name = 'preview_key') as key`

/** Describes an empty set; undefined where at least one job matches. */
export async function describeNone<More>(
  sql: Sql,
  bulk: Pick<Previewable, 'matching' | 'keptByHold' | 'reason' | 'scope' | 'dependents'>,
  more: More,
): Promise<Described<More> | undefined> {
  const matching = bulk.matching(sql, await withHolds(sql, bulk))
  const [moment] = await sql<Moment[]>`
    select ${moments(sql)}
    where not exists (select ${matching})`
  const none = { count: 0, oldest: null, newest: null, bytes_estimate: 0, pace: null, recent: null, rewritten: [] }
  const lists = { groups: [], owners: [], sample_ids: [], ...(bulk.reason && { reasons: [] }) }
  const elsewhere = bulk.scope.within && bulk.dependents && { dependents_elsewhere: 0 }
  return moment && { ...moment, ...none, ...lists, dependents: 0, ...elsewhere, restorable: 0, more }
}

interface DescribeOptions {
  more: MoreOfSet
  /** The snapshot of the transaction, where rows written by open transactions may be in doubt. */
  doubt: Snapshot | undefined
}

/** Counts and describes the set in one statement, and so at one moment. The holds are read before. */
export async function describe<More>(
  sql: Sql,
  bulk: Previewable,
  { more, doubt }: DescribeOptions,
): Promise<Described<More>> {
  // No snapshot filter: the statement's own snapshot is the preview's.
  const set = await withHolds(sql, bulk)
  const matching = bulk.matching(sql, set)
  const { within } = bulk.scope
  const [row] = await sql<[Described<More>]>`
    with grouped as materialized (${grouped(sql, bulk, { matching, doubt })}),
    sampled as (${sampleOf(sql, matching)})
    select
      ${moments(sql)},
      (${pace(sql, bulk.kind, within)}) as pace,
      (select coalesce(sum(count), 0)::bigint from grouped where not by_owner) as count,
      ${doubt ? recentTransactions(sql) : sql`null`} as recent,
      ${rewrittenBy(sql, bulk.kind) ? rewrittenJobs(sql) : sql`'[]'::jsonb`} as rewritten,
      (select min(oldest) from grouped) as oldest,
      (select max(newest) from grouped) as newest,
      (select coalesce(jsonb_agg(largest), '[]') from (${groups(sql)}) as largest) as groups,
      (select coalesce(jsonb_agg(most), '[]') from (${owners(sql)}) as most) as owners,
      ${bulk.reason ? sql`(${reasons(sql, bulk.reason(sql))}) as reasons,` : sql``}
      ${dependentsColumns(sql, bulk, { set, within })},
      ${bulk.keptByHold ? sql`(${bulk.keptByHold(sql, set)}) as kept_by_hold,` : sql``}
      (select coalesce(sum(count) filter (where ${bulk.restorable?.(sql) ?? (isUndoable(bulk.kind) ? sql`true` : sql`false`)}), 0)::bigint from grouped where not by_owner) as restorable,
      (${bytesEstimate(sql)}) as bytes_estimate,
      (select coalesce(jsonb_agg(id), '[]') from (${sampleIds(sql)}) as few) as sample_ids,
      (select to_jsonb(requested) from (${more(sql, set)}) as requested) as more`
  return row
}

/** Needs the CTEs `grouped` and `sampled`. */
const bytesEstimate = staticFragment(
  (sql) => sql`
  select coalesce(round(avg(size) * (select sum(count) from grouped where not by_owner)), 0)::bigint from sampled`,
)

/** A query of the ids and the sizes of 200 rows, which a preview has as the CTE `sampled`. */
export const sampleOf = (sql: Sql, source: Fragment): Fragment => sql`
      select id, ${rowSize(sql)} as size
      ${source}
      limit ${sql.unsafe(String(sampleSize))}
    `

/** Needs the CTE `sampled`. */
export const sampleIds = (sql: Sql): Fragment =>
  sql`select id from sampled where ${hasSafeId(sql)} limit ${mostSampleIds}`

/** The bytes of a row on disk, computed without reading values that PostgreSQL stores apart (TOAST). */
const rowSize = staticFragment(
  (sql) => sql`
  300 + coalesce(pg_column_size(payload), 0) + coalesce(pg_column_size(result), 0)
    + coalesce(pg_column_size(error_stack), 0) + coalesce(pg_column_size(failure_timeline), 0)`,
)

/** Under a scope only the changes count whose records its caller sees. */
const pace = (sql: Sql, kind: string, within: TokenScope | undefined): Fragment => sql`
  select (sum(affected) / sum(extract(epoch from ended_at - started_at)))::float8
  from (
    select affected, started_at, ended_at
    from (select * from job_operations order by id desc limit 200) as recent
    where kind = ${kind} and affected >= 1000 and ended_at > started_at ${isRecordWithin(sql, within)}
    limit 10
  ) as last`
