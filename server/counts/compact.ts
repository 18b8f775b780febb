import { type Fragment, type Pool, type Sql, staticFragment } from '../database/sql.ts'
import { withCountsLock } from './counts-lock.ts'
import { fitsIndex } from './group-list.ts'

/** The most appended rows that one transaction adds up. */
const compactedAtOnce = 20_000

/**
 * Adds appended rows to the sums and deletes them, at most 20,000 of them. One server does it at a time.
 * @returns the number of rows, and whether there may be more; undefined when another server has the counts lock
 */
export async function compact(sql: Pool): Promise<{ compacted: number; more: boolean } | undefined> {
  const [waiting] = await sql`select from jobsctl_count_deltas where ${fitsIndex(sql)} limit 1`
  if (!waiting) return { compacted: 0, more: false }
  return withCountsLock(sql, { wait: false }, async (tx) => {
    const [row] = await tx<[{ compacted: number }]>`
      with deleted as (
        delete from jobsctl_count_deltas
        where ctid = any(array(
          select ctid from jobsctl_count_deltas where span is not null and ${fitsIndex(tx)} limit ${tx.unsafe(String(compactedAtOnce))}
        ))
        returning *
      ),
      added as (${addToSums(tx, tx`select * from deleted where span = '' or starts > now()`)}),
      noted as (${notePickups(tx)})
      select count(*) as compacted from deleted`
    return { ...row, more: row.compacted === compactedAtOnce }
  })
}

/** Notes in which groups of the CTE `deleted` jobs were picked up; a time that is less than 30 s old stays. */
const notePickups = staticFragment(
  (sql) => sql`
  insert into jobsctl_pickups as known (domain, queue, job_type, picked_up_at)
  select domain, queue, job_type, now()
  from deleted
  where span = '' and processing > 0
  group by domain, queue, job_type
  on conflict (domain, queue, job_type) do update
  set picked_up_at = excluded.picked_up_at
  where known.picked_up_at < excluded.picked_up_at - interval '30 seconds'`,
)

/**
 * Adds `rows` (with the columns of `jobsctl_count_deltas`) to the sums, in the order in which stats read them. The caller
 * must hold the counts lock.
 */
export const addToSums = (sql: Sql, rows: Fragment): Fragment => sql`
  insert into jobsctl_counts as kept (domain, queue, job_type, span, starts, queued, processing, quarantined)
  ${summed(sql, rows)}
  order by span, starts
  on conflict (span, starts, domain, queue, job_type) do update
  set queued = kept.queued + excluded.queued,
      processing = kept.processing + excluded.processing,
      quarantined = kept.quarantined + excluded.quarantined`

/** One row for each cell of `rows`: a group, and a span of time. */
const summed = (sql: Sql, rows: Fragment): Fragment => sql`
  select
    domain, queue, job_type, span, starts,
    sum(queued) as queued, sum(processing) as processing, sum(quarantined) as quarantined
  from (${rows}) as added
  group by 1, 2, 3, 4, 5`

/** Replaces the appended rows that do not fit the index of the sums by one row for each cell. */
export const compactInPlace = (tx: Sql) => tx`
  with deleted as (delete from jobsctl_count_deltas where not ${fitsIndex(tx)} returning *)
  insert into jobsctl_count_deltas (domain, queue, job_type, span, starts, queued, processing, quarantined)
  select * from (${summed(tx, tx`select * from deleted where span = '' or starts > now()`)}) as remaining
  where queued <> 0 or processing <> 0 or quarantined <> 0`
