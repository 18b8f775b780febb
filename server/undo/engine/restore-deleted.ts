import { type JobId, keyParts } from '../../../shared/work/job-key.ts'
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
  context: Pick<BatchContext, 'operation' | 'caller' | 'reason' | 'optimistic'>,
  target: EngineTarget,
  { undoes, selection, where, rejected, hold }: Restore,
): Promise<number> {
  const { writes, found } = target
  const [revived] = await Promise.all([writes.revived(tx, found, holdEnd(tx, hold)), requireSameVersion(tx, target)])
  // The reason why a single job does not come back is that of its engine, and not that of an index.
  const optimistic = context.optimistic && selection.singleId === undefined
  const rows = rowsFromArchive(tx, target, { undoes, revived, optimistic })
  const named = namedJobs(tx, selection)
  await writes.beforeRevival?.(tx, found, tx`select distinct queue from ${named}`)
  const [row] = await tx<[{ affected: number; failed: JobId[] }]>`
    with chosen as materialized (
      select jobs.key as id, jobs.queue, jobs.native_id
      from (
        select jobs.*, named.key
        from ${named}
        cross join lateral (
          select jobs.* from jobs_archive as jobs
          where operation_id = ${undoes}::bigint and ${tx.unsafe(writes.archivedBy.isNamed)}
          offset 0
        ) as jobs
      ) as jobs
      where (${where}) is true
    ),
    ${rows} ${writes.revivedAlong?.(tx, found) ?? tx``},
    ${holdRestored(tx, context, { ...hold, undoes, restored: tx`select jobsctl_key as id from back` })}
    select
      (select count(*) from restored) as affected,
      (select coalesce(jsonb_agg(jobsctl_key), '[]') from picked where jobsctl_key not in (select jobsctl_key from back)) as failed`
  for (const id of row.failed) rejected.set(id, writes.whyNotInserted)
  return row.affected
}

/**
 * The jobs of a selection as a table `named (key, queue, id)`. A lateral subquery reads the archive once for each of them, by an index.
 * The planner knows nothing of rows that a prune has just written: with a join it reads every row of the operation in each batch.
 */
function namedJobs(sql: Sql, { ids }: Selection): Fragment {
  if (!ids) throw new Error('deleted jobs of an engine come back by their ids')
  const keys = ids.map(String)
  const parts = keys.map((key) => keyParts(key))
  const queues = parts.map((part) => part?.queue ?? null)
  return sql`rows from (
    unnest(${keys}::text[]), unnest(${queues}::text[]), unnest(${parts.map((part) => part?.id ?? null)}::text[])
  ) as named (key, queue, id)`
}
