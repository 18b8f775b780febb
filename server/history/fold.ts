import { tryToHoldLock } from '../database/locks/hold-lock.ts'
import { askedName } from '../database/scope.ts'
import { type Fragment, type Pool, type Sql, staticFragment } from '../database/sql.ts'
import { limitIdleTime } from '../database/timeouts.ts'
import { addBuckets, sumOfBuckets } from './buckets.ts'

/** The most appended rows that one transaction adds up. */
const foldedAtOnce = 20_000
/** The longest statement, in milliseconds: one that is cut off would take as long the next time. */
const foldTimeoutMs = 600_000

/**
 * Adds appended transitions to the minutes, the hours and the totals, and deletes them in the same statement, so that each is added
 * once, whatever dies. One server does it at a time.
 * @returns the number of rows, and whether there may be more; undefined when another server has the history lock
 */
export async function fold(sql: Pool): Promise<{ folded: number; more: boolean } | undefined> {
  const [waiting] = await sql`select from jobsctl_transitions limit 1`
  if (!waiting) return { folded: 0, more: false }
  return sql.begin(async (tx) => {
    await tx`select ${limitIdleTime(tx)}, set_config('statement_timeout', ${String(foldTimeoutMs)}, true)`
    if (!(await tryToHoldLock(tx, 'history'))) return undefined
    const [row] = await foldRows(tx)
    return { ...row, more: row.folded === foldedAtOnce }
  })
}

const foldRows = (tx: Sql) => tx<[{ folded: number }]>`
  with deleted as (
    delete from jobsctl_transitions
    where ctid = any(array(select ctid from jobsctl_transitions limit ${tx.unsafe(String(foldedAtOnce))}))
    returning *
  ),
  named as materialized (${namedTransitions(tx, tx`from deleted`)}),
  by_minute as (
    insert into jobsctl_history_minutes as kept (starts, ${cell(tx)}, jobs, milliseconds, buckets)
    select minute, ${cell(tx)}, ${sums(tx)} from named group by minute, ${cell(tx)} order by minute, ${cell(tx)}
    on conflict (starts, ${cell(tx)}) do update set ${added(tx)}
  ),
  by_hour as (
    insert into jobsctl_history_hours as kept (starts, ${cell(tx)}, jobs, milliseconds, buckets)
    select hour, ${cell(tx)}, ${sums(tx)} from named group by hour, ${cell(tx)} order by hour, ${cell(tx)}
    on conflict (starts, ${cell(tx)}) do update set ${added(tx)}
  ),
  in_all as (
    insert into jobsctl_history_totals as kept (${cell(tx)}, jobs, milliseconds, buckets)
    select ${cell(tx)}, ${sums(tx)} from named group by ${cell(tx)} order by ${cell(tx)}
    on conflict (${cell(tx)}) do update set ${added(tx)}
  )
  select count(*) as folded from deleted`

const cell = staticFragment((sql) => sql`domain, queue, job_type, from_status, to_status`)

const sums = staticFragment((sql) => sql`sum(jobs)::bigint, coalesce(sum(milliseconds), 0), ${sumOfBuckets(sql)}`)

const added = staticFragment(
  (sql) => sql`
  jobs = kept.jobs + excluded.jobs,
  milliseconds = kept.milliseconds + excluded.milliseconds,
  buckets = ${addBuckets(sql)}`,
)

/**
 * The transitions of `rows`, a clause `from` over the columns of `jobsctl_transitions`, as history names them. A name that no
 * caller can ask for (null, or more than 128 characters) is the empty text, and a status that jobs do not have is `other`.
 */
export const namedTransitions = (sql: Sql, rows: Fragment): Fragment => sql`
  select
    minute, date_trunc('hour', minute, 'UTC') as hour,
    ${askedName(sql, sql`domain`)} as domain, ${askedName(sql, sql`queue`)} as queue, ${askedName(sql, sql`job_type`)} as job_type,
    ${knownStatus(sql, sql`from_status`)} as from_status, ${knownStatus(sql, sql`to_status`)} as to_status,
    jobs, bucket, milliseconds
  ${rows}`

const knownStatus = (sql: Sql, status: Fragment): Fragment => sql`
  case
    when ${status} in ('', 'queued', 'processing', 'completed', 'failed', 'cancelled', 'quarantined') then ${status}
    else 'other'
  end`
