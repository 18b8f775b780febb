import { setTimeout as wait } from 'node:timers/promises'
import { unlessFrozen } from '../database/installation/freeze.ts'
import type { Fragment, Pool, Sql } from '../database/sql.ts'
import { hasArchive } from './archive.ts'

const rowsPerBatch = 1000
const pauseMs = 50

interface Retention {
  /** How many days the rows of an operation are kept where the operation has no term of its own. */
  days: number
  stopping: AbortSignal
}

/**
 * Deletes the archived jobs and row images of operations whose term is over, the oldest operation first, in batches of 1,000
 * rows. An operation has the term of the server that ran it; an operation of an earlier version has the term of this server.
 * Archived rows of other programs belong to no operation, and stay.
 * @returns how many archived jobs were deleted
 * @throws Failure `frozen` before the first batch after a freeze
 */
export async function deleteExpiredArchive(sql: Pool, { days, stopping }: Retention): Promise<number> {
  const archivedAt = sql`
    (select archived_at from jobs_archive a where a.operation_id = kept.id order by a.operation_id, a.id limit 1)`
  const endedAt = sql`(select ended_at from job_operations o where o.id = kept.id)`
  const deleteFrom = (table: Table, time: Fragment) =>
    inBatches(stopping, () => unlessFrozen(sql, (tx) => deleteSome(tx, { table, time, days })))
  const archived = (await hasArchive(sql)) ? await deleteFrom('jobs_archive', archivedAt) : 0
  await deleteFrom('job_operation_rows', endedAt)
  await sql`
    delete from jobsctl_waiting_edges
    where since < now() - (
      select greatest(${days}::int, max(archive_days)) from jobsctl_operation_terms
    ) * interval '24 hours'`
  return archived
}

async function inBatches(stopping: AbortSignal, deleteBatch: () => Promise<number>): Promise<number> {
  let sum = 0
  while (!stopping.aborted) {
    const deleted = await deleteBatch()
    if (deleted === 0) break
    sum += deleted
    await wait(pauseMs)
  }
  return sum
}

type Table = 'jobs_archive' | 'job_operation_rows'

interface Deletion {
  table: Table
  /** The time from which the term of the operation `kept.id` counts. */
  time: Fragment
  days: number
}

/**
 * Deletes rows of the oldest operation in the table whose term is over. The operations are read one by one from the index on
 * their ids, since each has many rows. Several servers may delete at the same time: each passes over the rows that another
 * one locked.
 */
async function deleteSome(sql: Sql, { table, time, days }: Deletion): Promise<number> {
  const from = sql.unsafe(`from ${table}`)
  const { count } = await sql`
    with recursive kept (id) as (
      (select operation_id ${from} where operation_id is not null order by operation_id limit 1)
      union all
      select (select operation_id ${from} where operation_id > kept.id order by operation_id limit 1)
      from kept
      where kept.id is not null
    ),
    oldest as materialized (
      select kept.id
      from kept
      left join jobsctl_operation_terms as term on term.operation_id = kept.id
      where ${time} < now() - coalesce(term.archive_days, ${days}::int) * interval '24 hours'
      order by kept.id
      limit 1
    )
    delete ${from}
    where ctid = any(array(
      select ctid ${from}
      where operation_id = (select id from oldest)
      limit ${sql.unsafe(String(rowsPerBatch))} for update skip locked
    ))
    -- In a partitioned table, another partition may have a row with the same ctid.
    and operation_id = (select id from oldest)`
  return count
}
