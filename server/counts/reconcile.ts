import { type Pool, type Sql, staticFragment } from '../database/sql.ts'
import type { Log } from '../log/log.ts'
import { addToSums, compactInPlace } from './compact.ts'
import { withCountsLock } from './counts-lock.ts'
import { fitsIndex, groupsOfJobs } from './group-list.ts'
import { isStillSigned, nearFutureEnd } from './trust.ts'

/** The result of a comparison. */
export interface Reconciliation {
  /** By how many jobs the counts were wrong, over all groups and states. */
  jobs: number
}

/** What is compared. */
export interface Comparison {
  /** The signature of the triggers before the comparison, which `readCountsState` returns. */
  triggers: string
  /**
   * The functions of these triggers that list each group, once every transaction has ended that may have run earlier ones. Null until
   * then: the groups are not taken from the counts.
   */
  functions: string | null
  /** The counts were trusted until now, so that a difference is kept as a finding. */
  trusted: boolean
  /** Waits for another server that has the counts lock. */
  wait?: boolean
}

/**
 * Compares the counts with the jobs in one snapshot, and adds the difference. Writers go on meanwhile: the rows that they
 * append come on top. Cells of the past are deleted, and so are the zeros of groups without jobs. From then on the counts are
 * trusted.
 * @returns undefined when another server has the counts lock, unless `wait` is set; or when a trigger or the partitions have changed since `triggers`
 * was read: the counts are not trusted then
 */
export const reconcile = (sql: Pool, comparison: Comparison): Promise<Reconciliation | undefined> =>
  withCountsLock(sql, { wait: comparison.wait ?? false }, (tx) => compareAndCorrect(tx, comparison))

async function compareAndCorrect(
  tx: Sql,
  { triggers, functions, trusted }: Comparison,
): Promise<Reconciliation | undefined> {
  await tx`delete from jobsctl_count_deltas where span is null`
  await compactInPlace(tx)
  const found = await addDifference(tx)
  // From here to the end of the transaction nobody detaches a partition that was compared. A partition that was attached after the comparison began
  // has jobs that were not compared; once it is detached, the signature may be the earlier one again.
  const [{ same }] = await tx<[{ same: boolean }]>`${isStillSigned(tx, triggers)}`
  if (!same) {
    await tx`update jobsctl_counting set triggers = null`
    return undefined
  }
  const wrong = trusted ? found.jobs : 0
  await tx`delete from jobsctl_counts where span <> '' and starts < now() - interval '1 hour'`
  const isWhole = await listGroups(tx)
  await tx`
    update jobsctl_counting
    set triggers = ${triggers}, checked_at = now(),
        functions = coalesce(${functions}, functions),
        listed_at = case when ${isWhole && functions !== null} then now() end,
        mended_at = case when ${wrong}::bigint > 0 then now() else mended_at end,
        mended = case when ${wrong}::bigint > 0 then ${wrong}::bigint else mended end`
  return found
}

/**
 * Adds zeros of groups that have jobs and no row, and deletes zeros of groups without jobs.
 * @returns false when a group does not fit the index of the sums
 */
async function listGroups(tx: Sql): Promise<boolean> {
  // One statement: what another transaction adds meanwhile is among its appended rows.
  const [row] = await tx<[{ whole: boolean }]>`
    with recursive ${groupsOfJobs(tx)},
    added as (
      insert into jobsctl_counts (domain, queue, job_type, span, starts)
      select domain, queue, job_type, '', '-infinity'
      from groups
      where ${fitsIndex(tx)}
      on conflict do nothing
    ),
    deleted as (
      delete from jobsctl_counts
      where queued = 0 and processing = 0 and quarantined = 0
        and (
          span <> ''
          or (domain, queue, job_type) not in (
            select domain collate "C", queue collate "C", job_type collate "C" from groups where ${fitsIndex(tx)}
          )
        )
    )
    select coalesce(bool_and(${fitsIndex(tx)}), true) as whole from groups`
  return row.whole
}

async function addDifference(tx: Sql): Promise<Reconciliation> {
  const [row] = await tx<[Reconciliation]>`
    with actual as (${cellsOfJobs(tx)}),
    kept as (
      select domain, queue, job_type, span, starts, -queued as queued, -processing as processing, -quarantined as quarantined
      from (select * from jobsctl_counts union all select * from jobsctl_count_deltas) as kept
      where span = '' or starts >= ${nearFutureEnd(tx)}
    ),
    difference as materialized (
      select domain, queue, job_type, span, starts, sum(queued) as queued, sum(processing) as processing, sum(quarantined) as quarantined
      from (select * from actual union all select * from kept) as both_sides
      group by 1, 2, 3, 4, 5
      having sum(queued) <> 0 or sum(processing) <> 0 or sum(quarantined) <> 0
    ),
    added as (${addToSums(tx, tx`select * from difference where ${fitsIndex(tx)}`)}),
    appended as (
      insert into jobsctl_count_deltas (domain, queue, job_type, span, starts, queued, processing, quarantined)
      select * from difference where not ${fitsIndex(tx)}
    )
    -- A job that is due later is in four cells, and was missed once.
    select coalesce(max(jobs), 0)::bigint as jobs
    from (select sum(abs(queued) + abs(processing) + abs(quarantined)) as jobs from difference group by span) as missed`
  return row
}

/** The cells as the live jobs have them: one for each group, and one for each minute, hour and day of scheduled jobs. */
const cellsOfJobs = staticFragment(
  (sql) => sql`
  -- The names are compared by their bytes, as in the counts: a column of another program may have its own collation.
  select domain collate "C", queue collate "C", job_type collate "C", '' as span, '-infinity'::timestamptz as starts,
    count(*) filter (where status = 'queued') as queued,
    count(*) filter (where status = 'processing') as processing,
    count(*) filter (where status = 'quarantined') as quarantined
  from jobs
  where status in ('queued', 'processing', 'quarantined')
  group by 1, 2, 3
  union all
  select domain collate "C", queue collate "C", job_type collate "C", span, date_trunc(span, available_at, 'UTC'), count(*), 0, 0
  from (
    select domain, queue, job_type, available_at
    from jobs
    where status in ('queued', 'processing', 'quarantined') and status = 'queued' and available_at >= ${nearFutureEnd(sql)}
  ) as later
  cross join (values ('minute'), ('hour'), ('day')) as spans (span)
  where date_trunc(span, available_at, 'UTC') >= ${nearFutureEnd(sql)}
  group by 1, 2, 3, 4, 5`,
)

/** Writes a warning when the counts were wrong: something had changed jobs without the triggers. */
export function logReconciliation(log: Log, { jobs }: Reconciliation): void {
  if (jobs > 0) log.warn(`the counts of stats were wrong by ${jobs} jobs and have been corrected`)
}
