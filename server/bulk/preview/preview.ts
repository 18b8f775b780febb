import type { Preview } from '../../../shared/changes/bulk-change.ts'
import type { Fragment, Pool, Sql } from '../../database/sql.ts'
import type { BulkChange, JobSet } from '../bulk-change.ts'
import { mostRecent } from './preview-groups.ts'
import { type Described, describe, describeNone, type Previewable } from './preview-statement.ts'
import { signToken } from './preview-token.ts'
import { hasOpenTransactions, type Snapshot } from './snapshot.ts'

/** The rate, in jobs a second, that is assumed until a change of this kind was large enough to measure one. */
const usualPace = 5000

interface PreviewResult<More> {
  preview: Preview
  more: More
}

interface PreviewOptions<More> {
  /** A query of one row, answered by the same statement; it may select from the CTE `grouped` of the preview. */
  more?: (sql: Sql) => Fragment
  /** The row of `more` for an empty set. Where an empty set is likely, the preview first tests for it, which is fast. */
  ofNone?: More
  /** Ids of jobs that the token excludes from the set: they do not match now, and may match later. */
  except?: (more: More) => readonly number[]
}

/**
 * Counts the jobs that a change would affect, at one moment, and signs the result. Where transactions were open that may
 * have written some of the jobs, a second statement finds out which transactions did.
 * @returns the preview with its token, and the row of `more`
 * @throws Failure `database_unavailable` when the database has no signing key
 */
export async function previewChange<More = object>(
  { sql, caller }: { sql: Pool; caller: string },
  bulk: Previewable,
  { more = (sql) => sql`select`, ofNone, except }: PreviewOptions<More> = {},
): Promise<PreviewResult<More>> {
  const query = more(sql)
  const none = ofNone && (await describeNone(sql, bulk, ofNone))
  const first = none ?? (await describe<More>(sql, bulk, { more: query, doubt: undefined }))
  const isInDoubt = first.count > 0 && hasOpenTransactions(first.now)
  const described = isInDoubt ? await describeInDoubt<More>(sql, bulk, query) : first
  const { now, key, recent, pace, more: row, ...about } = described
  const { as_of, count } = about
  const snapshot = recent === null ? now : `${now}:${recent.length > mostRecent ? '' : recent.join(',')}`
  const subject = { kind: bulk.kind, filters: bulk.filters, caller }
  const token = signToken(key, subject, { as_of, snapshot, count, excluded: except?.(row) })
  const eta_seconds = Math.ceil(count / Math.max(1, pace ?? usualPace))
  return { preview: { token, ...about, eta_seconds }, more: row }
}

/** Describes the set in a repeatable-read transaction, whose snapshot is known before the statement. */
const describeInDoubt = <More>(sql: Pool, bulk: Previewable, more: Fragment): Promise<Described<More>> =>
  sql.begin('isolation level repeatable read read only', async (tx) => {
    const [{ now }] = await tx<[{ now: Snapshot }]>`select pg_current_snapshot()::text as now`
    return describe<More>(tx, bulk, { more, doubt: now })
  })

/** Counts the set. */
export async function countMatching(
  sql: Sql,
  bulk: Pick<BulkChange<unknown>, 'matching'>,
  set: JobSet,
): Promise<number> {
  const [row] = await sql<[{ count: number }]>`select count(*) as count ${bulk.matching(sql, set)}`
  return row.count
}
