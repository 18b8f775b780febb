import { isRetrying } from '../../database/error-pattern.ts'
import { isInState } from '../../database/job-filter.ts'
import { isShownTime, type Sql, tableParts } from '../../database/sql.ts'
import { isEventWriter } from '../../waiting/event-watermark.ts'
import { countExpired } from '../expired-leases.ts'

interface Queue {
  domain: string
  queue: string
}

/** Seconds since a worker of each queue last asked over HTTP or took a job; none for a queue where no worker ever did. */
export const readLastAcquires = (sql: Sql) => sql<(Queue & { age: number })[]>`
  select domain, queue, greatest(extract(epoch from now() - max(at)), 0)::float8 as age
  from (
    select domain, queue, picked_up_at as at from jobsctl_pickups
    union all
    select domain, queue, asked_at from jobsctl_worker_marks
  ) as signs
  group by domain, queue`

/** A worker that has leases of a queue. */
export type LeaseOwner = Queue & { worker_id: string | null }

/** The workers that hold one of the 2,000 leases that end next. It reads as many jobs from all over the table. */
export const readLeaseOwners = (sql: Sql) => sql<LeaseOwner[]>`
  select distinct domain, queue, worker_id
  from (
    select domain, queue, worker_id
    from jobs
    where ${isInState(sql, 'processing')} and leased_until > now()
    order by leased_until
    limit 2000
  ) as leased`

/** How many workers each queue has: those that asked over HTTP within 5 minutes, and `owners`. */
export const readWorkers = (sql: Sql, owners: readonly LeaseOwner[]) => sql<(Queue & { workers: number })[]>`
  select domain, queue, count(distinct worker_id) as workers
  from (
    select domain, queue, worker_id from jobsctl_worker_marks where asked_at > now() - interval '5 minutes'
    union all
    select domain, queue, worker_id
    from jsonb_to_recordset(${JSON.stringify(owners)}::text::jsonb) as owner (domain text, queue text, worker_id text)
  ) as seen
  group by domain, queue`

/** The queues that are paused or draining, at most 1,000. */
export const readStopped = (sql: Sql) => sql<(Queue & { paused: boolean; drain: boolean })[]>`
  select domain, queue, coalesce(paused, false) as paused, coalesce(drain, false) as drain
  from job_queue_controls
  where paused or drain
  order by domain collate "C", queue collate "C"
  limit 1000`

/** What is counted in indexes of the jobs. */
interface CountedJobs {
  /** Queued jobs that have failed before, up to 10,000. */
  retrying: number
  /** Expired leases, up to 10,000. */
  expired: number
}

export async function countJobs(sql: Sql): Promise<CountedJobs> {
  const [row] = await sql<[CountedJobs]>`
    select
      (select count(*) from (
        select from jobs where ${isRetrying(sql, sql`${isInState(sql, 'queued')} and retry_count > 0`)} order by updated_at desc limit 10000
      ) as retried) as retrying,
      (${countExpired(sql)}) as expired`
  return row
}

/** What is true of the whole database. */
export interface WholeDatabase {
  /** Bulk changes that are running. */
  running: number
  /** Seconds since the oldest open transaction began. */
  oldest_transaction: number
  /** Seconds since the oldest open transaction began that writes events: events after it are not delivered yet. */
  watermark_lag: number
  /** When the counts were last compared with the jobs, in seconds since 1970; null where they never were. */
  counts_checked: number | null
  /** Seconds since history was on for the first time; null where it never was. */
  history_age: number | null
}

export async function readWhole(sql: Sql): Promise<WholeDatabase> {
  const [row] = await sql<[WholeDatabase]>`
    with sessions as materialized (
      select pid, greatest(extract(epoch from clock_timestamp() - xact_start), 0)::float8 as age
      from pg_stat_activity
      where datname = current_database()
        and xact_start is not null
        -- An idle session that takes in a notification shows, meanwhile, the time of its last statement as xact_start.
        and state is distinct from 'idle'
        and pid is distinct from pg_backend_pid()
    ),
    writers as (
      select pid
      from pg_locks
      where ${isEventWriter(sql)}
    )
    select
      (select count(*) from job_operations where state = 'running') as running,
      greatest(
        (select max(age) from sessions),
        (
          select max(extract(epoch from clock_timestamp() - prepared))
          from pg_prepared_xacts
          where database = current_database()
        ),
        0
      )::float8 as oldest_transaction,
      coalesce((select max(age) from sessions where pid in (select pid from writers)), 0)::float8 as watermark_lag,
      (select extract(epoch from checked_at)::float8 from jobsctl_counting) as counts_checked,
      (select greatest(extract(epoch from now() - since), 0)::float8 from jobsctl_history where ${isShownTime(sql, sql`since`)}) as history_age`
  return row
}

const tables = ['jobs', 'jobs_archive', 'job_events', 'job_operations', 'job_operation_rows']

/** The bytes of the large tables with all their partitions: of the rows, of the indexes, and of what is kept apart from the rows. */
export const readSizes = (sql: Sql) => sql<{ table: string; rows: number; indexes: number; toast: number }[]>`
  select
    name as table,
    sum(pg_relation_size(part))::bigint as rows,
    sum(pg_indexes_size(part))::bigint as indexes,
    sum(pg_table_size(part) - pg_relation_size(part))::bigint as toast
  from (
    select name, part
    from unnest(${tables}::text[]) as name
    cross join lateral ${tableParts(sql, sql`to_regclass(name)`)} as parts
  ) as parts
  where part is not null
  group by name
  order by name`
