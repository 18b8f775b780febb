import type { JobId } from '../../../shared/work/job-key.ts'
import type { BatchContext } from '../../bulk/change/bulk-change.ts'
import type { Selection } from '../../bulk/change/selection.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { type HoldTerm, holdEnd, holdRestored } from '../hold-restored.ts'
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
  const { adapter, writes, found, table, ours } = target
  await requireSameVersion(tx, target)
  const { names, values } = await writes.revived(tx, found, holdEnd(tx, hold))
  const archive = ours(adapter.archive)
  const { isChosen, columns, inserted } = writes.archivedBy
  const queues = tx`
    select distinct queue from ${archive} where operation_id = ${undoes}::bigint and job_schema = ${found.schemaName}::text`
  await writes.beforeRevival?.(tx, found, queues)
  const [row] = await tx<[{ affected: number; failed: JobId[] }]>`
    with chosen as materialized (
      select jobs.id, jobs.queue, jobs.native_id
      from jobs_archive as jobs
      where operation_id = ${undoes}::bigint and ${selection.matches(tx, where)}
    ),
    picked as materialized (
      select archived.*, chosen.id as jobsctl_key, archived.ctid as jobsctl_place
      from ${archive} as archived
      join chosen on ${tx.unsafe(isChosen)}
      where archived.operation_id = ${undoes}::bigint and archived.job_schema = ${found.schemaName}::text
      for update of archived skip locked
    ),
    restored as (
      insert into ${table} (${names}) overriding system value
      select ${values} from picked
      where ${tx.unsafe(writes.guard(found))}
      on conflict do nothing
      returning ${tx.unsafe(inserted)}
    ),
    back as materialized (select jobsctl_key, jobsctl_place from picked where ((${tx.unsafe(columns)}) in (select * from restored)) is true),
    unarchived as (
      delete from ${archive} where ctid = any(array(select jobsctl_place from back)) and operation_id = ${undoes}::bigint
    ) ${writes.revivedAlong?.(tx, found) ?? tx``},
    ${holdRestored(tx, context, { ...hold, undoes, restored: tx`select jobsctl_key as id from back` })}
    select
      (select count(*) from restored) as affected,
      (select coalesce(jsonb_agg(jobsctl_key), '[]') from picked where jobsctl_key not in (select jobsctl_key from back)) as failed`
  for (const id of row.failed) rejected.set(id, writes.whyNotInserted)
  return row.affected
}
