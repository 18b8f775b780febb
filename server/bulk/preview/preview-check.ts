import {
  changedParts,
  hasMovedSince,
  isPartlyKnown,
  originParts,
  readOrigin,
} from '../../database/installation/origin.ts'
import type { Sql } from '../../database/sql.ts'
import type { BulkChange, Matching } from '../change/bulk-change.ts'
import type { PlanBinding } from '../change/commission.ts'
import {
  type PreviewSubject,
  previewLifetimeSeconds,
  previewStale,
  type VerifiedPreview,
  verifyToken,
} from '../token/preview-token.ts'
import { isFromThisDatabase } from '../token/snapshot.ts'
import { countMatching } from './count.ts'

/**
 * Checks that a verified preview can still be used.
 * @param binding of a plan, whose preview lives longer
 * @throws Failure `preview_stale` when the preview is used, expired, or of another database
 */
export async function checkPreview(
  sql: Sql,
  { id, as_of, snapshot, origin }: VerifiedPreview,
  binding?: PlanBinding,
): Promise<void> {
  const seconds = binding?.seconds ?? previewLifetimeSeconds
  const moved = isPartlyKnown(origin) ? hasMovedSince(sql, sql`${as_of}::text::timestamptz`) : sql`false`
  const [row] = await sql<[{ used: number | null; expired: boolean; known: boolean; moved: boolean }]>`
    select
      (select id from job_operations where preview_id = ${id}) as used,
      now() > ${as_of}::text::timestamptz + ${seconds}::int * interval '1 second' as expired,
      ${isFromThisDatabase(sql, snapshot)} as known,
      ${moved} as moved`
  if (row.used !== null) throw previewStale(`operation ${row.used} used this preview already`)
  if (row.expired) throw previewStale('the preview has expired')
  if (!row.known) throw previewStale('the database was restored after the preview')
  // Once enough transactions have gone by, a snapshot that was taken before a restore looks like one of this database.
  const now = origin && (await readOrigin(sql))
  const changed = now ? changedParts(origin, now).map((part) => originParts[part]) : []
  if (changed.length > 0)
    throw previewStale(
      `the database was restored or has failed over since the preview (another ${changed.join(' and ')})`,
    )
  if (row.moved) throw previewStale('the database was restored or has failed over since the preview (event log.moved)')
}

/**
 * Checks the preview token of a dry run as the change itself does, and counts the jobs of that preview that still match. The
 * preview stays unused.
 * @returns undefined where the dry run has no token, or the preview did not count to the end
 * @throws Failure `preview_stale` when the change would be refused with this token
 */
export async function countStillMatching(
  sql: Sql,
  bulk: Matching & Pick<BulkChange<unknown>, 'previewToken'>,
  subject: PreviewSubject,
  binding?: PlanBinding,
): Promise<number | undefined> {
  if (bulk.previewToken === undefined) return undefined
  const previewed = await verifyToken(sql, bulk.previewToken, subject)
  await checkPreview(sql, previewed, binding)
  if (previewed.count === null) return undefined
  const { as_of: asOf, snapshot, excluded } = previewed
  return countMatching(sql, bulk, { asOf, snapshot, excluded })
}
