import { setTimeout as wait } from 'node:timers/promises'
import type { Fragment, Pool, Sql } from '../database/sql.ts'
import { hasArchive } from './archive.ts'

const rowsPerBatch = 1000
const pauseMs = 50

interface Retention {
  /** How many days the rows of an operation are kept. */
  days: number
  stopping: AbortSignal
}

/**
 * Deletes the archived jobs and row images of operations that are older than `days` days, the oldest operation first, in
 * batches of 1,000 rows. Archived rows of other programs belong to no operation, and stay.
 * @returns how many archived jobs were deleted
 */
export async function deleteExpiredArchive(sql: Pool, { days, stopping }: Retention): Promise<number> {
  const isExpired = (time: Fragment) => sql`${time} < now() - ${days}::int * interval '24 hours'`
  const archived = (await hasArchive(sql))
    ? await inBatches(stopping, () => deleteSome(sql, 'jobs_archive', isExpired(sql`kept.archived_at`)))
    : 0
  await inBatches(stopping, () =>
    deleteSome(
      sql,
      'job_operation_rows',
      isExpired(sql`(select ended_at from job_operations o where o.id = kept.operation_id)`),
    ),
  )
  await sql`delete from jobsctl_waiting_edges where ${isExpired(sql`since`)}`
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

/**
 * Deletes rows of the oldest operation in the table, if that operation is expired. Several servers may do so at the same
 * time: each passes over the rows that another one locked.
 */
async function deleteSome(
  sql: Sql,
  table: 'jobs_archive' | 'job_operation_rows',
  isExpired: Fragment,
): Promise<number> {
  const from = sql.unsafe(`from ${table}`)
  const { count } = await sql`
    with oldest as materialized (
      select kept.operation_id
      from (
        select * ${from} where operation_id is not null order by operation_id limit 1
      ) as kept
      where ${isExpired}
    )
    delete ${from}
    where ctid = any(array(
      select ctid ${from}
      where operation_id = (select operation_id from oldest)
      limit ${sql.unsafe(String(rowsPerBatch))} for update skip locked
    ))
    -- In a partitioned table, another partition may have a row with the same ctid.
    and operation_id = (select operation_id from oldest)`
  return count
}
