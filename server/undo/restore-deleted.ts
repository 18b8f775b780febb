import type { JobId } from '../../shared/work/job-key.ts'
import type { BatchContext, BatchCounts } from '../bulk/change/bulk-change.ts'
import type { Selection } from '../bulk/change/selection.ts'
import type { Narrowed } from '../database/scope.ts'
import { staticFragment, type Transaction } from '../database/sql.ts'
import { restoreAlong } from './along-back.ts'
import { readRestoredColumns } from './archive/archive-columns.ts'
import { restoreEngineJobs } from './engine/restore-deleted.ts'
import { engineTarget } from './engine/target.ts'
import { type HoldTerm, holdRestored } from './hold-restored.ts'
import { inPart, type Part } from './part.ts'
import { canBeRestored, canComeBackNow } from './restorable.ts'
import { prepareEdgeRestore } from './restore-edges.ts'

interface Restore {
  /** The id of the operation that is undone. */
  undoes: number
  /** The scope of that operation. Tested again for our own jobs, whose archived rows are found by their ids: somebody may have changed a row. */
  scope: Narrowed
  /** Tested again for our own jobs: where an id was given twice, another archived job may have the id of a selected one. */
  part: Part
  selection: Selection
  /** Where jobs that the database does not restore are added, by id, with the reason. */
  rejected: Map<JobId, string>
  hold: HoldTerm
}

/**
 * Moves archived jobs of an operation back to `jobs`, with their attachments and edges, in one statement, and holds them. The jobs that
 * the prune has cancelled along come back with the last one that they need.
 * @returns `affected`, the number of restored jobs, and what `restoreAlong` returns
 * @throws Failure `conflict` when the type of a column has changed since the jobs were archived
 */
export async function restoreDeleted(
  tx: Transaction,
  context: Pick<BatchContext, 'operation' | 'snapshot' | 'requestId' | 'caller' | 'reason' | 'within' | 'optimistic'>,
  { undoes, scope, part, selection, rejected, hold }: Restore,
): Promise<BatchCounts> {
  const target = engineTarget(tx)
  if (target) {
    const where = canComeBackNow(tx, target)
    return { affected: await restoreEngineJobs(tx, context, target, { undoes, selection, where, rejected, hold }) }
  }
  // Sent together: one round trip to the database.
  const [jobs, attachments, dependencies, { edges, where }] = await Promise.all([
    readRestoredColumns(tx, 'jobs', 'jobs_archive'),
    readRestoredColumns(tx, 'job_attachments'),
    readRestoredColumns(tx, 'job_dependencies'),
    prepareEdgeRestore(tx, { ...part, undoes }),
  ])
  const { ids: _, ...without } = part
  const isRestored = tx`${canBeRestored(tx, scope)} ${inPart(tx, without, tx`jobs.id`)}`
  const [{ affected, failed }] = await tx<[{ affected: number; failed: JobId[] }]>`
    with picked as materialized (
      select jobs.*, jobs.ctid as jobsctl_tid
      from jobs_archive as jobs
      where operation_id = ${undoes}::bigint and ${selection.matches(tx, isRestored)}
      for update skip locked
    ),
    restored as (
      insert into jobs (${jobs.names}) overriding system value
      select ${jobs.valuesOf('picked')} from picked
      ${jobs.onConflict}
      returning ${identity(tx)}
    ),
    -- IN hashes the identities: a join would be a nested loop where the planner underestimates the batch.
    restored_rows as materialized (select * from picked where ((${identity(tx)}) in (select * from restored)) is true),
    -- In a partitioned table, another partition may have a row with the same ctid.
    unarchived as (
      delete from jobs_archive
      where ctid = any(array(select jobsctl_tid from restored_rows)) and (operation_id = ${undoes}::bigint) is true
        and ((${identity(tx)}) in (select ${identity(tx)} from restored_rows)) is true
    ),
    attachments as (
      insert into job_attachments (${attachments.names}) overriding system value
      select ${attachments.valuesOf('attached')}
      from restored_rows
      cross join lateral jsonb_populate_recordset(null::job_attachments, restored_rows.job_attachments) as attached
      ${attachments.onConflict}
    ),
    ${edges},
    ${holdRestored(tx, context, { ...hold, undoes, restored: tx`select distinct id from restored` })},
    dependencies as (
      insert into job_dependencies (${dependencies.names})
      select ${dependencies.valuesOf('edge')}
      from edges as edge
      ${where}
      ${dependencies.onConflict}
    )
    select
      (select count(*) from restored) as affected,
      (
        select coalesce(jsonb_agg(id), '[]')
        from picked
        where ((${identity(tx)}) in (select * from restored)) is not true
      ) as failed`
  for (const id of failed) rejected.set(id, 'a value of it that must be unique exists already, or a trigger rejects it')
  return { affected, ...(await restoreAlong(tx, context, { undoes, hold })) }
}

/** The columns that tell two rows of `jobs` apart, even where an id was given twice. */
const identity = staticFragment((sql) => sql`id, coalesce(uuid::text, '')`)
