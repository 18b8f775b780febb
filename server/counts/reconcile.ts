import { takeLock, tryLock } from '../database/advisory-locks.ts'
import { limitIdleTime } from '../database/idle-timeout.ts'
import type { Fragment, Pool, Sql } from '../database/sql.ts'
import { staticFragment } from '../database/static-fragment.ts'
import type { Log } from '../log.ts'
import { nearFutureEnd } from './trust.ts'

/** So many appended rows are added up at once. */
const foldedAtOnce = 20_000

/** How long a step may take in the background, in milliseconds. */
const mostMs = 600_000

/**
 * Adds up some of what writers have appended. One server at a time; the others come again later.
 * @returns how many rows were added up, and whether there may be more; undefined when another server is at it
 */
export async function compact(sql: Pool): Promise<{ folded: number; more: boolean } | undefined> {
  const [waiting] = await sql`select from jobsctl_count_deltas where ${fits(sql)} limit 1`
  if (!waiting) return { folded: 0, more: false }
  return alone(sql, async (tx) => {
    const [row] = await tx<[{ folded: number }]>`
      with gone as (
        delete from jobsctl_count_deltas
        where ctid = any(array(
          select ctid from jobsctl_count_deltas where span is not null and ${fits(tx)} limit ${tx.unsafe(String(foldedAtOnce))}
        ))
        returning *
      ),
      added as (${add(tx, tx`select * from gone where span = '' or starts > now()`)})
      select count(*) as folded from gone`
    return { ...row, more: row.folded === foldedAtOnce }
  })
}

/** False where the names are too long for the index of the sums, or are none: these stay with what was appended. */
const fits = staticFragment(
  (sql) => sql`(octet_length(domain) + octet_length(queue) + octet_length(job_type) <= 2000) is true`,
)

/** Adds these to the sums, in the order in which stats read them. For whoever is alone at it. */
const add = (sql: Sql, rows: Fragment): Fragment => sql`
  insert into jobsctl_counts as kept (domain, queue, job_type, span, starts, queued, processing, quarantined)
  ${summed(sql, rows)}
  order by span, starts
  on conflict (span, starts, domain, queue, job_type) do update
  set queued = kept.queued + excluded.queued,
      processing = kept.processing + excluded.processing,
      quarantined = kept.quarantined + excluded.quarantined`

const summed = (sql: Sql, rows: Fragment): Fragment => sql`
  select
    domain, queue, job_type, span, starts,
    sum(queued) as queued, sum(processing) as processing, sum(quarantined) as quarantined
  from (${rows}) as added
  group by 1, 2, 3, 4, 5`

/** What does not fit, as one row a cell. */
const sumUpTheRest = (tx: Sql) => tx`
  with gone as (delete from jobsctl_count_deltas where not ${fits(tx)} returning *)
  insert into jobsctl_count_deltas (domain, queue, job_type, span, starts, queued, processing, quarantined)
  select * from (${summed(tx, tx`select * from gone where span = '' or starts > now()`)}) as rest
  where queued <> 0 or processing <> 0 or quarantined <> 0`

/** By how much the counts were wrong. */
export interface Reconciliation {
  /** Jobs, over all groups and states. */
  jobs: number
}

interface Comparing {
  /** As they were before. */
  triggers: string
  /** The counts were trusted until now: what is wrong with them is worth knowing. */
  trusted: boolean
  /** Waits for another server that is at it. */
  patient?: boolean
}

/**
 * Compares the counts with the jobs, in one moment, and adds the difference: writers go on meanwhile, and what they
 * append comes on top. What is past is cleared away. From then on the counts are trusted.
 * @returns undefined when another server is at it
 */
export const reconcile = (sql: Pool, comparing: Comparing): Promise<Reconciliation | undefined> =>
  alone(sql, (tx) => compareAndMend(tx, comparing), comparing.patient)

async function compareAndMend(tx: Sql, { triggers, trusted }: Comparing): Promise<Reconciliation> {
  await tx`delete from jobsctl_count_deltas where span is null`
  await sumUpTheRest(tx)
  const [row] = await tx<[Reconciliation]>`
      with truth as (
        -- By the bytes of the names, as the counts are: a column of another program may compare them in its own way.
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
          where status in ('queued', 'processing', 'quarantined') and status = 'queued' and available_at >= ${nearFutureEnd(tx)}
        ) as later
        cross join (values ('minute'), ('hour'), ('day')) as spans (span)
        where date_trunc(span, available_at, 'UTC') >= ${nearFutureEnd(tx)}
        group by 1, 2, 3, 4, 5
      ),
      kept as (
        select domain, queue, job_type, span, starts, -queued as queued, -processing as processing, -quarantined as quarantined
        from (select * from jobsctl_counts union all select * from jobsctl_count_deltas) as kept
        where span = '' or starts >= ${nearFutureEnd(tx)}
      ),
      off as materialized (
        select domain, queue, job_type, span, starts, sum(queued) as queued, sum(processing) as processing, sum(quarantined) as quarantined
        from (select * from truth union all select * from kept) as both_sides
        group by 1, 2, 3, 4, 5
        having sum(queued) <> 0 or sum(processing) <> 0 or sum(quarantined) <> 0
      ),
      added as (${add(tx, tx`select * from off where ${fits(tx)}`)}),
      appended as (
        insert into jobsctl_count_deltas (domain, queue, job_type, span, starts, queued, processing, quarantined)
        select * from off where not ${fits(tx)}
      )
      -- One that is due later is counted four times, and was missed once.
      select coalesce(max(jobs), 0)::bigint as jobs
      from (select sum(abs(queued) + abs(processing) + abs(quarantined)) as jobs from off group by span) as missed`
  const wrong = trusted ? row.jobs : 0
  await tx`
    delete from jobsctl_counts
    where (span <> '' and starts < now() - interval '1 hour') or (queued = 0 and processing = 0 and quarantined = 0)`
  await tx`
      update jobsctl_counting
      set triggers = ${triggers}, checked_at = now(),
          mended_at = case when ${wrong}::bigint > 0 then now() else mended_at end,
          mended = case when ${wrong}::bigint > 0 then ${wrong}::bigint else mended end`
  return row
}

/** What bypassed the triggers is worth a line in the log. */
export function logReconciliation(log: Log, { jobs }: Reconciliation): void {
  if (jobs > 0) log.warn(`the counts of stats were wrong by ${jobs} jobs, and have been set right`)
}

/**
 * Sums and mends by two at once would count twice. Held for a transaction alone, so that a pooler may stand in between.
 * @returns undefined when another server is at it, unless that is waited for
 */
async function alone<Result>(
  sql: Pool,
  work: (tx: Sql) => Promise<Result>,
  patient = false,
): Promise<Result | undefined> {
  const done = await sql.begin(async (tx) => {
    const lock = patient ? takeLock(tx, 'counts') : tryLock(tx, 'counts')
    // Where nobody waits for it: what takes too long would take as long again.
    const unhurried = patient ? tx`` : tx`set_config('statement_timeout', ${String(mostMs)}, true),`
    const [taken] = await tx<{ held: string | boolean }[]>`
      select ${limitIdleTime(tx)}, set_config('jobsctl.counting', 'on', true), ${unhurried}
        ${lock} as held`
    return { result: taken?.held === false ? undefined : await work(tx) }
  })
  return done.result
}
