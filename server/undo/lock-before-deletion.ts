import type { JobId } from '../../shared/work/job-key.ts'
import { idSelection, type Selection } from '../bulk/change/selection.ts'
import { type Fragment, type Sql, staticFragment } from '../database/sql.ts'

/**
 * True where edges have a column for the last status of a job that is deleted, as the newer version of the other program has it. Its
 * workers never take a job with an edge to a missing job that has no such snapshot.
 */
export const hasSnapshots = staticFragment(
  (sql: Sql) => sql`
  exists (
    select from pg_attribute
    where attrelid = to_regclass('job_dependencies') and attname = 'depends_on_terminal_status' and not attisdropped
  )`,
)

interface ToDelete {
  /** True for rows of `jobs` that may be deleted. */
  where: Fragment
  selection: Selection
  /** False: waits for rows that other transactions hold, instead of leaving them out. */
  skipsLocked: boolean
}

/**
 * Locks the jobs that the next statement of the transaction deletes, where an edge must not outlive the job that it needs (`hasSnapshots`).
 * A program that adds an edge locks that job. An edge that was added before this lock is in the snapshot of the next statement, and after
 * it there is no job to which an edge could be added. In one statement, the edge could be committed after the snapshot and before the lock.
 * @returns the locked jobs; the same selection where nothing was locked
 */
export async function lockBeforeDeletion(tx: Sql, { where, selection, skipsLocked }: ToDelete): Promise<Selection> {
  // Asked for alone, since most databases have no such column: to plan a statement over the partitions of `jobs` takes milliseconds.
  const [{ kept }] = await tx<[{ kept: boolean }]>`select ${hasSnapshots(tx)} as kept`
  if (!kept) return selection
  const [{ ids }] = await tx<[{ ids: JobId[] }]>`
    with locked as materialized (
      select id from jobs
      where ${selection.matches(tx, where)}
      for update ${skipsLocked ? tx`skip locked` : tx``}
    )
    select coalesce(jsonb_agg(id), '[]') as ids
    from locked`
  return idSelection(ids)
}
