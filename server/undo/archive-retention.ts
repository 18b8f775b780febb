import { setTimeout as wait } from 'node:timers/promises'
import type { Fragment, Pool, Sql } from '../database/sql.ts'
import { hasArchive } from './archive.ts'

const atOnce = 1000
const pauseMs = 50

interface Sweeping {
  days: number
  stopping: AbortSignal
}

/**
 * Deletes for good what operations have put away more than `days` ago, the oldest operation first and in small
 * batches. Archived rows of other programs belong to no operation, and stay.
 * @returns how many archived jobs
 */
export async function deleteExpiredArchive(sql: Pool, { days, stopping }: Sweeping): Promise<number> {
  const expired = (time: Fragment) => sql`${time} < now() - ${days}::int * interval '24 hours'`
  const archived = (await hasArchive(sql))
    ? await inBatches(stopping, () => deleteSome(sql, 'jobs_archive', expired(sql`kept.archived_at`)))
    : 0
  await inBatches(stopping, () =>
    deleteSome(
      sql,
      'job_operation_rows',
      expired(sql`(select ended_at from job_operations o where o.id = kept.operation_id)`),
    ),
  )
  await sql`delete from jobsctl_waiting_edges where ${expired(sql`since`)}`
  return archived
}

async function inBatches(stopping: AbortSignal, batch: () => Promise<number>): Promise<number> {
  let all = 0
  while (!stopping.aborted) {
    const deleted = await batch()
    if (deleted === 0) break
    all += deleted
    await wait(pauseMs)
  }
  return all
}

/** What the oldest operation has there, if that has expired. Several servers may do this at once. */
async function deleteSome(sql: Sql, table: 'jobs_archive' | 'job_operation_rows', expired: Fragment): Promise<number> {
  const from = sql.unsafe(`from ${table}`)
  const { count } = await sql`
    with oldest as materialized (
      select kept.operation_id
      from (
        select * ${from} where operation_id is not null order by operation_id limit 1
      ) as kept
      where ${expired}
    )
    delete ${from}
    where ctid = any(array(
      select ctid ${from}
      where operation_id = (select operation_id from oldest)
      limit ${sql.unsafe(String(atOnce))} for update skip locked
    ))
    -- Another partition has other rows at the same place.
    and operation_id = (select operation_id from oldest)`
  return count
}
