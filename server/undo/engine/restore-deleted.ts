import type { JobId } from '../../../shared/work/job-key.ts'
import type { BatchContext } from '../../bulk/change/bulk-change.ts'
import type { Selection } from '../../bulk/change/selection.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { type HoldTerm, holdEnd, holdRestored } from '../hold-restored.ts'
import { rowsFromArchive } from './from-archive.ts'
import { type EngineTarget, requireSameVersion } from './target.ts'

interface Restore {
  /** The id of the operation that is undone. */
  undoes: number
  selection: Selection
  /** A condition on `jobs`, a row of the archive: true for jobs that come back. */
  where: Fragment
  /** Where jobs that the database does not restore are added, with the reason. */
  rejected: Map<JobId, string>
  hold: HoldTerm
}

/**
 * Moves archived jobs of another engine back into its table, whole rows, and holds them.
 * @returns the number of jobs
 * @throws Failure `conflict` where the engine has migrated its tables since the server started
 */
export async function restoreEngineJobs(
  tx: Sql,
  context: Pick<BatchContext, 'operation' | 'caller' | 'reason'>,
  target: EngineTarget,
  { undoes, selection, where, rejected, hold }: Restore,
): Promise<number> {
  const { adapter, writes, found, ours } = target
  const [revived] = await Promise.all([writes.revived(tx, found, holdEnd(tx, hold)), requireSameVersion(tx, target)])
  const rows = rowsFromArchive(tx, target, { undoes, revived })
  const queues = tx`
    select distinct queue from ${ours(adapter.archive)} where operation_id = ${undoes}::bigint and job_schema = ${found.schemaName}::text`
  await writes.beforeRevival?.(tx, found, queues)
  const [row] = await tx<[{ affected: number; failed: JobId[] }]>`
    with chosen as materialized (
      select jobs.id, jobs.queue, jobs.native_id
      from jobs_archive as jobs
      where operation_id = ${undoes}::bigint and ${selection.matches(tx, where)}
    ),
    ${rows} ${writes.revivedAlong?.(tx, found) ?? tx``},
    ${holdRestored(tx, context, { ...hold, undoes, restored: tx`select jobsctl_key as id from back` })}
    select
      (select count(*) from restored) as affected,
      (select coalesce(jsonb_agg(jobsctl_key), '[]') from picked where jobsctl_key not in (select jobsctl_key from back)) as failed`
  for (const id of row.failed) rejected.set(id, writes.whyNotInserted)
  return row.affected
}
