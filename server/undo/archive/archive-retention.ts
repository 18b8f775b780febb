import { setTimeout as wait } from 'node:timers/promises'
import { type JobId, keyParts } from '../../../shared/work/job-key.ts'
import { unlessFrozen } from '../../database/installation/freeze.ts'
import { isArchivedKeptByHold, isImageKeptByHold, operationIsHeld, unless } from '../../database/kept-by-hold.ts'
import { type Holds, readHolds } from '../../database/read-holds.ts'
import type { Fragment, Pool, Sql } from '../../database/sql.ts'
import { clientsByEngine, clientsByPlace, narrowedTo, servedBy } from '../../engines/served.ts'
import { type EngineTarget, engineTarget } from '../engine/target.ts'
import { archivedAt, hasArchive, orderInOperation } from './archive.ts'

/** The rows of one batch. */
export const rowsPerBatch = 1000
const pauseMs = 50

interface Retention {
  /** How many days the rows of an operation are kept where the operation has no term of its own. */
  days: number
  stopping: AbortSignal
  /** About how many rows of each table are deleted, in batches without a pause between them; absent means all of them. */
  most?: number
}

/**
 * Deletes the archived jobs and row images of operations whose term is over, the oldest operation first, in batches of 1,000
 * rows. An operation has the term of the server that ran it; an operation of an earlier version has the term of this server.
 * What a hold keeps stays. Archived rows of other programs belong to no operation, and stay.
 * @returns how many archived jobs were deleted
 * @throws Failure `frozen` before the first batch after a freeze
 */
export async function deleteExpiredArchive(sql: Pool, retention: Retention): Promise<number> {
  let archived = 0
  for (const of of clientsByPlace(sql)) if (await hasArchive(of)) archived += await deleteFrom(of, archive, retention)
  for (const of of clientsByEngine(sql)) await deleteFrom(of, rowImages, retention)
  if (retention.most !== undefined) return archived
  await sql`
    delete from jobsctl_waiting_edges
    where since < now() - (
      select greatest(${retention.days}::int, max(archive_days)) from jobsctl_operation_terms
    ) * interval '24 hours'
      -- The other end of an edge may be a job that such a hold keeps in the archive.
      and not exists (select from jobsctl_holds as hold where hold.undo_id is null and hold.until > now())`
  return archived
}

/** A table with the kept rows of operations, and an index on operation and job. */
interface Kept {
  table: 'jobs_archive' | 'job_operation_rows'
  /** The alias that `isKept` takes. */
  alias: 'jobs' | 'images'
  /** The column with the id of the job. */
  job: 'id' | 'job_ref'
  isKept: (sql: Sql, holds: Holds) => Fragment | undefined
  /** The time from which the term of the operation `kept.id` counts. */
  time: (sql: Sql) => Fragment
}

const archive: Kept = {
  table: 'jobs_archive',
  alias: 'jobs',
  job: 'id',
  isKept: isArchivedKeptByHold,
  time: (sql) => archivedAt(sql, sql`kept.id`),
}

/** A hold keeps the image of a job at any of the places, each of which finds its jobs in its own way. */
function isImageKept(sql: Sql, holds: Holds): Fragment | undefined {
  const { mode, places } = servedBy(sql)
  const clients = mode === 'own' ? [sql] : places.map((place) => narrowedTo(sql, place))
  const [first, ...others] = clients.flatMap((of) => isImageKeptByHold(of, holds) ?? [])
  return first && sql`(${others.reduce((any, one) => sql`${any} or ${one}`, first)})`
}

const rowImages: Kept = {
  table: 'job_operation_rows',
  alias: 'images',
  job: 'job_ref',
  isKept: isImageKept,
  time: (sql) => sql`(select ended_at from job_operations o where o.id = kept.id)`,
}

async function deleteFrom(sql: Pool, kept: Kept, { days, stopping, most }: Retention): Promise<number> {
  let sum = 0
  for (const operation of await findExpired(sql, kept, days)) {
    let from: JobId | null = null
    while (!stopping.aborted && sum < (most ?? Number.POSITIVE_INFINITY)) {
      const { deleted, last } = await unlessFrozen(sql, (tx) => deleteSome(tx, kept, { operation, from }))
      if (deleted === 0) break
      sum += deleted
      from = last
      if (most === undefined) await wait(pauseMs)
    }
  }
  return sum
}

/**
 * The operations with rows in the table whose term is over and that have no hold of their own, the oldest first. They are read one by
 * one from the index on their ids, since each has many rows.
 */
async function findExpired(sql: Sql, { table, time }: Kept, days: number): Promise<number[]> {
  const from = sql.unsafe(`from ${table}`)
  const rows = await sql<{ id: number }[]>`
    with recursive kept (id) as (
      (select operation_id ${from} where operation_id is not null order by operation_id limit 1)
      union all
      select (select operation_id ${from} where operation_id > kept.id order by operation_id limit 1)
      from kept
      where kept.id is not null
    )
    select kept.id
    from kept
    left join jobsctl_operation_terms as term on term.operation_id = kept.id
    where ${time(sql)} < now() - coalesce(term.archive_days, ${days}::int) * interval '24 hours'
      and not ${operationIsHeld(sql, sql`kept.id`)}
    order by kept.id`
  return rows.map(({ id }) => id)
}

interface Batch {
  operation: number
  /** The last job of the batch before: held jobs before it are not compared again. */
  from: JobId | null
}

/** Deletes rows of an operation. Several servers may do it at once: each passes over the rows that another one locked. */
async function deleteSome(
  sql: Sql,
  { table, alias, job, isKept }: Kept,
  { operation, from }: Batch,
): Promise<{ deleted: number; last: JobId | null }> {
  const target = table === 'jobs_archive' ? engineTarget(sql) : undefined
  const holds = await readHolds(sql)
  const [id, named, unnamed] = [sql.unsafe(job), sql.unsafe(`from ${table} as ${alias}`), sql.unsafe(`from ${table}`)]
  // An image of a job of another engine has a key in place of an id, and an index of its own.
  const isOfClient = job === 'job_ref' ? sql`and job_ref is not null` : sql``
  const order = target ? orderInOperation(sql) : id
  const isFrom =
    from === null ? sql`` : sql`and ${(target && isFromKey(sql, target, from)) ?? sql`${id} >= ${from}::job_id`}`
  const [row] = await sql<[{ deleted: number; last: JobId | null }]>`
    with picked as materialized (
      select ctid as tid, ${id} as job
      ${named}
      where operation_id = ${operation}::bigint ${isOfClient} ${isFrom} ${unless(sql, isKept(sql, holds))}
      order by operation_id, ${order}
      limit ${sql.unsafe(String(rowsPerBatch))} for update skip locked
    ),
    deleted as (
      delete ${target ? sql`from ${target.ours(target.adapter.archive)}` : unnamed}
      where ctid = any(array(select tid from picked)) and operation_id = ${operation}::bigint
        -- In a partitioned table, another partition may have a row with the same ctid. The archive of another engine has no partitions.
        ${target ? sql`` : sql`and ${id} = any(array(select job from picked))`}
      returning operation_id
    )
    select (select count(*) from deleted) as deleted, (select (array_agg(job))[count(*)] from picked) as last`
  return row
}

/** True for the job of a key in the archive of another engine, and for those that come after it by the index. */
function isFromKey(sql: Sql, { writes }: EngineTarget, key: JobId): Fragment | undefined {
  const { queue = '', id } = keyParts(String(key)) ?? {}
  return id === undefined ? undefined : writes.archivedBy.isFrom(sql, { queue, id })
}
