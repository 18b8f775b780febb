import type { Sql } from '../database/sql.ts'

const jobsPerBatch = 10_000

/**
 * Deletes holds that have ended: their jobs in batches of 10,000, then the holds. Several servers may do it at once: each passes over
 * the rows that another one locked.
 */
export async function deleteEndedHolds(sql: Sql, stopping: AbortSignal): Promise<void> {
  while (!stopping.aborted && (await deleteJobsOfEnded(sql)) > 0);
  await sql`
    delete from jobsctl_holds
    where id = any(array(
      select hold.id
      from jobsctl_holds as hold
      where hold.until <= now()
        and not exists (select from jobsctl_held_jobs as held where held.hold_id = hold.id)
      for update skip locked
    ))`
}

async function deleteJobsOfEnded(sql: Sql): Promise<number> {
  const { count } = await sql`
    delete from jobsctl_held_jobs
    where ctid = any(array(
      select held.ctid
      from jobsctl_holds as hold
      join jobsctl_held_jobs as held on held.hold_id = hold.id
      where hold.until <= now()
      limit ${sql.unsafe(String(jobsPerBatch))} for update of held skip locked
    ))`
  return count
}
