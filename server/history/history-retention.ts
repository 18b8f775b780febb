import { refuseWhileFrozen } from '../database/installation/freeze.ts'
import { type Fragment, type Pool, type Sql, staticFragment } from '../database/sql.ts'
import { limitIdleTime } from '../database/timeouts.ts'

/** For how many days history is kept by the minute and by the hour. */
export const minuteDays = 7
export const hourDays = 90

const rowsPerBatch = 5000

/**
 * A row stays for an hour, or a day, longer than its term. A range of the whole term begins with a whole step, and the clock of a caller,
 * which names its first time, may be behind.
 */
export const marginHours = { minutes: 1, hours: 24 } as const

/** An SQL condition over a table of history: the term of the row is over. */
const isExpired: Record<'minutes' | 'hours', (sql: Sql) => Fragment> = {
  minutes: staticFragment(
    (sql) => sql`starts < now() - ${sql.unsafe(`interval '${minuteDays * 24 + marginHours.minutes} hours'`)}`,
  ),
  hours: staticFragment(
    (sql) => sql`starts < now() - ${sql.unsafe(`interval '${hourDays * 24 + marginHours.hours} hours'`)}`,
  ),
}

/**
 * Deletes the history whose term is over, the oldest first, in batches of 5,000 rows, each in a transaction of its own, and gaps with it.
 * @param isOver true when no further batch should begin
 * @returns the number of deleted rows, and whether all are gone
 * @throws Failure `frozen` before the first batch after a freeze
 */
export async function deleteExpiredHistory(
  sql: Pool,
  isOver: () => boolean,
): Promise<{ deleted: number; isDone: boolean }> {
  let deleted = 0
  for (const batch of [deleteMinutes, deleteHours, deleteGaps, ...depthBatches])
    for (let count = rowsPerBatch; count === rowsPerBatch; deleted += count) {
      if (isOver()) return { deleted, isDone: false }
      count = await inBatch(sql, batch)
    }
  return { deleted, isDone: true }
}

const inBatch = (sql: Pool, batch: (tx: Sql) => Promise<{ count: number }>): Promise<number> =>
  sql.begin(async (tx) => {
    await refuseWhileFrozen(tx)
    await tx`select ${limitIdleTime(tx)}`
    return (await batch(tx)).count
  })

const limit = staticFragment((sql) => sql`limit ${sql.unsafe(String(rowsPerBatch))} for update skip locked`)

const deleteMinutes = (tx: Sql) => tx`
  delete from jobsctl_history_minutes
  where ctid = any(array(
    select ctid from jobsctl_history_minutes where ${isExpired.minutes(tx)} order by starts ${limit(tx)}
  ))`

const deleteHours = (tx: Sql) => tx`
  delete from jobsctl_history_hours
  where ctid = any(array(
    select ctid from jobsctl_history_hours where ${isExpired.hours(tx)} order by starts ${limit(tx)}
  ))`

const deleteGaps = (tx: Sql) => tx`
  delete from jobsctl_history_gaps
  where began = any(array(
    select began from jobsctl_history_gaps
    where ended < now() - ${tx.unsafe(`interval '${hourDays * 24} hours'`)}
    order by began ${limit(tx)}
  ))`

/**
 * SQL conditions on depths and their moments: the term is over. Those by the minute go by whole hours, since each row counts from the first
 * moment of its hour on.
 */
const expiredDepths = [
  staticFragment(
    (sql) => sql`whole = false
      and moment < date_trunc('hour', now() - ${sql.unsafe(`interval '${minuteDays * 24 + marginHours.minutes} hours'`)}, 'UTC')`,
  ),
  staticFragment(
    (sql) =>
      sql`whole = true and moment < now() - ${sql.unsafe(`interval '${hourDays * 24 + marginHours.hours} hours'`)}`,
  ),
]

const batchOfMoments = (isExpired: (sql: Sql) => Fragment) => (tx: Sql) =>
  tx`
  delete from jobsctl_depth_moments
  where moment = any(array(select moment from jobsctl_depth_moments where ${isExpired(tx)} order by moment ${limit(tx)}))`

const batchOfDepths = (isExpired: (sql: Sql) => Fragment) => (tx: Sql) =>
  tx`
  delete from jobsctl_depths
  where ctid = any(array(select ctid from jobsctl_depths where ${isExpired(tx)} order by moment ${limit(tx)}))`

/** The moments first: a moment whose rows are partly gone would be read wrongly, and rows without their moment are not read. */
const depthBatches = [...expiredDepths.map(batchOfMoments), ...expiredDepths.map(batchOfDepths)]
