import { Failure } from '../../../shared/errors.ts'
import type { BatchContext } from '../../bulk/change/bulk-change.ts'
import type { Selection } from '../../bulk/change/selection.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { bringAlong, deletedPerQueue } from './along.ts'
import { requireAllChanged } from './require-all-changed.ts'
import { type EngineTarget, requireSameVersion, tidOfPicked } from './target.ts'

interface EngineDeletion {
  selection: Selection
  /** True for jobs that may be deleted. */
  where: Fragment
  /** False for a prune that keeps no copy. */
  isArchived: boolean
}

/**
 * Deletes jobs of another engine, whole rows into the archive, in one statement. Jobs that other transactions have locked are passed over.
 * @returns how many jobs were deleted
 * @throws Failure `conflict` where the engine has migrated its tables since the server started; RowsKept where a trigger keeps a job of the batch
 */
export async function deleteEngineJobs(
  tx: Sql,
  { operation }: Pick<BatchContext, 'operation'>,
  target: EngineTarget,
  { selection, where, isArchived }: EngineDeletion,
): Promise<number> {
  const { adapter, writes, found, table, ours } = target
  const [columns, missing] = await Promise.all([
    isArchived ? writes.archivedColumns(tx, found) : [],
    isArchived ? adapter.missingInArchive(tx, found) : [],
    requireSameVersion(tx, target),
  ])
  if (missing.length > 0) throw archiveLacks(target, missing)
  const isPicked = writes.isAmongPicked
    ? tx`where ${tx.unsafe(writes.isAmongPicked)}`
    : tx`using picked where ${tx.unsafe(writes.isPicked)}`
  const deleted = writes.calls
    ? writes.calls.remove(tx, found)
    : tx`delete from ${table} as j ${isPicked} and ${tx.unsafe(writes.guard(found))} returning j.*`
  // A function of the engine takes ids alone, and the queue may be a name in another table.
  const queue = writes.calls ? tx`` : tx`, jobs.queue`
  const names = tx.unsafe(columns.map(({ name }) => `, ${name}`).join(''))
  const values = tx.unsafe(columns.map(({ value }) => `, ${value}`).join(''))
  const archived = tx`,
    archived as (
      insert into ${ours(adapter.archive)} (operation_id, job_schema ${names})
      select ${operation}::bigint, ${found.schemaName}::text ${values} from deleted
    )`
  const [row] = await tx<[{ picked: number; affected: number; changed?: string | null }]>`
    with picked as materialized (
      select jobs.native_id ${queue} ${tidOfPicked(tx, target)}
      from jobs
      where ${selection.matches(tx, where)} and ${writes.mayDelete(tx, found, 'prune')}
      for update skip locked
    ),
    deleted as (${deleted})
    ${isArchived ? archived : tx``}
    select (select count(*) from picked) as picked, count(*) as affected ${deletedPerQueue(tx, target)} from deleted`
  await requireAllChanged(tx, target, 'delete', row)
  await bringAlong(tx, target, 'delete', row)
  return row.affected
}

/** The failure of a deletion after the engine has added columns to its table. */
const archiveLacks = ({ adapter, found }: EngineTarget, missing: readonly string[]): Failure =>
  new Failure(
    'conflict',
    `the archive of jobs-server has no column ${missing.join(', ')}, which ${adapter.engine} has in ${found.schema}; nothing was changed`,
    { hint: 'as the owner of the tables: jobs-server migrate, with the same JOBS_ENGINE, adds it' },
  )
