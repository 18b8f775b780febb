import { type JobId, keyParts } from '../../../shared/work/job-key.ts'
import type { BatchContext } from '../../bulk/change/bulk-change.ts'
import type { Selection } from '../../bulk/change/selection.ts'
import { idArray } from '../../database/job-ids.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { type HoldTerm, holdEnd, holdRestored } from '../hold-restored.ts'
import { keysOfFailed, rowsFromArchive } from './from-archive.ts'
import { type EngineTarget, requireSameVersion } from './target.ts'

interface Restore {
  /** The id of the operation that is undone. */
  undoes: number
  selection: Selection
  /** A condition on `jobs`, a row of the archive that the search has found: true for jobs that come back. */
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
  await writes.beforeRevival?.(tx, found, queuesOf(tx, selection))
  const [row] = await tx<[{ affected: number; failed: JobId[] }]>`
    with chosen as materialized (
      select found.*
      from ${tidsOf(tx, selection)} as named (tid, key)
      -- The tid alone finds the row: the planner knows nothing of rows that a prune has just written.
      cross join lateral (
        select jobs.id, jobs.ctid as tid
        from jobs_archive as jobs
        where jobs.ctid = named.tid and (operation_id = ${undoes}::bigint) is true and (${where}) is true
        offset 0
      ) as found
      -- After a VACUUM FULL another job has the tid. Beside the subquery the key is made once.
      where found.id = named.key
    ),
    ${rows} ${writes.revivedAlong?.(tx, found) ?? tx``},
    ${holdRestored(tx, context, { ...hold, undoes, restored: tx`select jobsctl_key as id from back` })}
    select
      (select count(*) from restored) as affected,
      ${keysOfFailed(tx)} as failed`
  for (const id of row.failed) rejected.set(id, writes.whyNotInserted)
  return row.affected
}

/** A table expression: the tids of the archived rows, and the keys of their jobs. */
function tidsOf(sql: Sql, { tids, ids = [] }: Selection): Fragment {
  if (!tids) throw new Error('deleted jobs of an engine come back by the tids of their rows')
  const list = `{${tids.map((tid) => `"${tid}"`).join(',')}}`
  return sql`rows from (unnest(${list}::text::tid[]), unnest(${idArray(sql, ids)}))`
}

/** A query of the names of the queues. */
function queuesOf(sql: Sql, { ids = [] }: Selection): Fragment {
  const queues = new Set(ids.map((id) => keyParts(String(id))?.queue ?? null))
  return sql`select queue from unnest(${[...queues]}::text[]) as named (queue)`
}
