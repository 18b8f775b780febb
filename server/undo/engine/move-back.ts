import type { JobId } from '../../../shared/work/job-key.ts'
import type { BatchContext, BatchCounts } from '../../bulk/change/bulk-change.ts'
import type { Selection } from '../../bulk/change/selection.ts'
import { inScope, type Narrowed } from '../../database/scope.ts'
import type { Fragment, Sql } from '../../database/sql.ts'
import { insertEvents } from '../../lifecycle/events/job-events.ts'
import { type HoldTerm, holdEnd, holdRestored } from '../hold-restored.ts'
import { inPart, type Part } from '../part.ts'
import { keysOfFailed, rowsFromArchive } from './from-archive.ts'
import { requireAllChanged } from './require-all-changed.ts'
import { requireMoves, requireSameVersion } from './target.ts'

/** A part of a redrive. */
export interface Moved {
  /** The id of the operation that is undone. */
  undoes: number
  /** The scope of that operation. */
  scope: Narrowed
  part: Part
}

/** The image of the job as it is now, of the projection. */
const imageNow = 'native_image'

/** `from jobs_archive as jobs …`: the dead letters of the operation, each with its images `kept` and the job `moved` that was made of it. */
function movedJobs(sql: Sql, { undoes, part }: Moved): Fragment {
  const { writes } = requireMoves(sql)
  return sql`
  from jobs_archive as jobs
  join job_operation_rows as kept on kept.operation_id = ${undoes}::bigint and kept.job_ref = jobs.id
  left join lateral (
    select jobs.status, jobs.native_image from jobs where ${sql.unsafe(writes.isOfImage('kept.after'))} offset 0
  ) as moved on true
  where jobs.operation_id = ${undoes}::bigint ${inArchive(sql, part)}`
}

/** The conditions of a part on the alias `jobs` alone, since others have columns of the same names. */
const inArchive = (sql: Sql, part: Part): Fragment => sql`
  and exists (
    select from (select jobs.id, jobs.domain, jobs.queue, jobs.job_type) as one where true ${inPart(sql, part, sql`one.id`)}
  )`

/** An SQL expression over `jobs`, `kept` and `moved`: why the dead letter cannot come back; null where it can. */
function whyNotBack(sql: Sql, { scope }: Pick<Moved, 'scope'>): Fragment {
  const { writes, found } = requireMoves(sql)
  const stateOf = (image: string) => sql.unsafe(writes.stateOf(image))
  const comparable = (image: string) => sql.unsafe(writes.comparable(image))
  return sql`case
    when not exists (
      select from (select jobs.domain, jobs.queue, jobs.job_type) as one where true ${inScope(sql, scope)}
    ) then 'its archived row lies outside of the scope of the operation: somebody has changed the row'
    when jobs.status <> 'queued' then 'its archived row has a status that no redrive takes: somebody has changed the row'
    when moved.status is null then 'the job that was made of it is deleted'
    when ${stateOf('moved.native_image')} <> ${stateOf('kept.after')} then 'the job that was made of it has gone on, and is ' || moved.status
    when ${comparable('moved.native_image')} <> ${comparable('kept.after')} then 'the job that was made of it was changed since'
    else ${writes.obstacle(sql, found)}
  end`
}

/** `from … where …` with the alias `jobs`: dead letters of an operation that can come back. */
export const leftMoved = (sql: Sql, moved: Moved): Fragment => sql`
  from (
    select jobs.* ${movedJobs(sql, moved)} and ${whyNotBack(sql, moved)} is null
  ) as jobs
  where true`

/** A query of the dead letters of a part of an operation that cannot come back, as `(job_id, reason)`. */
export const whyNotMovedBack = (sql: Sql, moved: Moved): Fragment => sql`
  select job_id, reason
  from (select jobs.id as job_id, ${whyNotBack(sql, moved)} as reason ${movedJobs(sql, moved)}) as checked
  where reason is not null`

interface Back extends Moved {
  selection: Selection
  /** Where jobs that the database does not restore are added, with the reason. */
  rejected: Map<JobId, string>
  hold: HoldTerm
}

/**
 * Gives dead letters back in one statement: it deletes the jobs that were made of them, where nobody has taken or changed them, restores the
 * whole rows from the archive, and holds them.
 * @throws Failure `conflict` where the engine has migrated its tables since the server started; RowsKept where a trigger keeps a new job
 */
export async function moveBack(
  tx: Sql,
  context: Pick<BatchContext, 'operation' | 'requestId' | 'caller' | 'reason' | 'optimistic'>,
  { selection, rejected, hold, ...moved }: Back,
): Promise<BatchCounts> {
  const target = requireMoves(tx)
  const { writes, moves, found, table, ours } = target
  await requireSameVersion(tx, target)
  const { undoes } = moved
  const rows = rowsFromArchive(tx, target, {
    undoes,
    revived: await writes.revived(tx, found, holdEnd(tx, hold)),
    and: tx`and chosen.id in (select key from locked)`,
    optimistic: false,
  })
  const { ids: _, ...part } = moved.part
  const [row] = await tx<[{ affected: number; deleted: number; failed: JobId[] }]>`
    with chosen as materialized (
      select jobs.id, jobs.domain, jobs.queue, jobs.job_type, jobs.owner_user_id, jobs.trace_id, jobs.native_id, kept.before, kept.after,
        jobs.ctid as tid
      from (
        select jobs.* ${movedJobs(tx, { ...moved, part })} and ${whyNotBack(tx, moved)} is null
      ) as jobs
      join job_operation_rows as kept on kept.operation_id = ${undoes}::bigint and kept.job_ref = jobs.id
      where ${selection.matches(tx, tx`true`)}
    ),
    locked as materialized (
      select chosen.id as key, jobs.queue, jobs.native_id
      from jobs
      join chosen on ${tx.unsafe(moves.isMoved)}
      where ${tx.unsafe(writes.comparable(imageNow))} = ${tx.unsafe(writes.comparable('chosen.after'))}
      for update of jobs skip locked
    ),
    ${rows},
    deleted as (
      with picked as materialized (select locked.queue, locked.native_id from locked where locked.key in (select jobsctl_key from back))
      delete from ${table} as j
      using picked
      where ${tx.unsafe(writes.isPicked)}
      returning j.id
    ),
    deleted_images as (
      delete from ${ours('job_operation_rows')}
      where operation_id = ${undoes}::bigint and job_key = any(array(select jobsctl_key from back))
    ),
    ${holdRestored(tx, context, { ...hold, undoes, restored: tx`select jobsctl_key as id from back` })},
    events as (${insertEvents(
      tx,
      context,
      tx`
        select id, domain, queue, job_type, owner_user_id, trace_id, 'job.restored' as event_type,
          jsonb_build_object('status', ${tx.unsafe(writes.stateOf('before'))}, 'caller', ${context.caller}::text) as attrs
        from chosen
        where id in (select jobsctl_key from back)`,
    )})
    select
      (select count(*) from back) as affected,
      (select count(*) from deleted) as deleted,
      ${keysOfFailed(tx)} as failed`
  // Beside its dead letter the job would run, too.
  await requireAllChanged(tx, target, 'delete', { picked: row.affected, affected: row.deleted })
  for (const id of row.failed) rejected.set(id, writes.whyNotInserted)
  return { affected: row.affected }
}
