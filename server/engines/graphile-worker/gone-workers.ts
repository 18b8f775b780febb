import type { Fragment, Sql } from '../../database/sql.ts'
import type { EngineRepair } from '../writes.ts'
import { hoursOfLock } from './projection.ts'
import { quietMinutes, startSeconds } from './quiet-time.ts'

/**
 * Frees what a pool has locked whose process is gone. A pool that lives has a session that listens for jobs. PostgreSQL does not say of which pool
 * a session is, but when it began: a pool that has locked jobs at a time has had its session since before, unless it has connected again.
 */
export const repair: EngineRepair = {
  isHeld: 'jobs.native_locked_at is not null',
  isLong: `jobs.native_locked_at < pg_catalog.now() - interval '${hoursOfLock} hours'`,
  workers: (sql, { schema }, named) => {
    const of = sql.unsafe(schema)
    return sql`
      select worker, ${whyNot(sql, named)} as why
      from (
        select locked_by as worker, max(locked_at) as newest
        from (
          select locked_by, locked_at from ${of}._private_jobs where locked_at is not null
          union all
          select locked_by, locked_at from ${of}._private_job_queues where locked_at is not null
        ) as locked
        where locked_by is not null
        group by locked_by
      ) as pools
      cross join (${sessions(sql)}) as sessions`
  },
  free: (sql, { schema }, workers) => sql`
    select from ${sql.unsafe(schema)}.force_unlock_workers(array(${workers}))`,
}

/** The sessions of others in this database, in one row. That of a server of ours, such as jobs-server itself, runs no job. */
const sessions = (sql: Sql): Fragment => sql`
  select
    min(role) filter (where is_hidden) as hidden_role,
    min(backend_start) filter (where is_listening) as listens_since,
    (array_agg(pid order by backend_start) filter (where is_listening))[1] as listener,
    min(backend_start) filter (where not is_listening and not is_ours) as others_since,
    (array_agg(pid order by backend_start) filter (where not is_listening and not is_ours))[1] as other
  from (
    select
      pid, usename::text as role, backend_start, application_name = 'jobs-server' as is_ours,
      backend_start is null or query is null or query = '<insufficient privilege>' or coalesce(state, 'disabled') = 'disabled' as is_hidden,
      coalesce(query ~* '^\\s*listen\\s+"?jobs:insert', false) as is_listening
    from pg_catalog.pg_stat_activity
    where datname = current_database() and usename is not null and pid <> pg_backend_pid()
      and coalesce(backend_type, 'client backend') = 'client backend'
  ) as session`

/** An SQL expression over a row of \`pools\` and \`sessions\`: why the pool may live; null for one that is gone. */
const whyNot = (sql: Sql, named: string | undefined): Fragment => sql`
  case
    when hidden_role is not null
      then 'its pool may live: this server cannot see the sessions of ' || hidden_role || ': grant pg_read_all_stats to ' || current_user
    when newest > now() - ${startSeconds}::float8 * interval '1 second'
      then 'its pool may live: it locked a job less than ${sql.unsafe(String(startSeconds))} seconds ago'
    when pg_postmaster_start_time() > newest and pg_postmaster_start_time() > now() - ${quietMinutes}::float8 * interval '1 minute'
      then 'its pool may live: PostgreSQL has just started, and pools connect again'
    when listens_since < newest + ${startSeconds}::float8 * interval '1 second'
      then 'its pool may live: session ' || listener || ' has waited for jobs since ' || ${utc(sql, 'listens_since')}
        || ', before this lock; end or restart such pools first'
    when listener is not null and pg_postmaster_start_time() > newest
      then 'its pool may live: PostgreSQL was restarted after this lock, and session ' || listener || ' may be that of the pool, connected again'
    when worker is not distinct from ${named ?? null}::text then null
    when newest > now() - ${quietMinutes}::float8 * interval '1 minute'
      then 'its pool may live: it locked a job less than ${sql.unsafe(String(quietMinutes))} minutes ago; if its process is gone, name it: --worker ' || worker
    when listener is not null
      then 'its pool may live: session ' || listener || ' has waited for jobs since ' || ${utc(sql, 'listens_since')}
        || ', after this lock: another process, or this one again; if it is gone, name it: --worker ' || worker
    when others_since < newest
      then 'its pool may live: session ' || other || ' is older than this lock; if its process is gone, name it: --worker ' || worker
  end`

const utc = (sql: Sql, time: string): Fragment =>
  sql.unsafe(`to_char(${time} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')`)
