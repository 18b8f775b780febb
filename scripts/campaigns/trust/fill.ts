import { setTimeout as wait } from 'node:timers/promises'
import type { Sql } from 'postgres'

/** The domains of the jobs, by the change that the rounds make to their jobs. */
export const domains = {
  /** Pruned: 60 % of all jobs, and 20 %. */
  large: 'chat',
  small: 'media',
  /** Never changed: as old as the pruned jobs, but in no scope of a change. */
  unchanged: 'audit',
  /** Requeued. */
  quarantined: 'hard',
  /** Swept, together with its dependents. */
  stale: 'stale',
} as const

/**
 * Fills an empty database with `rows` jobs, their attachments and dependencies. The domains above get 60, 20, 8, 6 and
 * 6 % of the jobs.
 */
export async function fill(sql: Sql, rows: number): Promise<void> {
  await sql`
    insert into jobs (
      uuid, domain, queue, job_type, owner_user_id, payload, result, status, priority, retry_count, max_retries,
      created_at, available_at, started_at, acquired_at, leased_until, lease_id, worker_id, completed_at, cancelled_at,
      cancellation_reason, quarantined_at, error_code, failure_streak_code, failure_streak_count, progress_percent,
      completion_token, failure_timeline
    )
    select
      'job-' || i, domain, (array['default', 'default', 'low'])[1 + i % 3], (array['export', 'import'])[1 + i / 7 % 2],
      nullif((i % 17)::text, '0'),
      jsonb_build_object('number', i, 'text', repeat(md5(i::text), 1 + i % 8), 'list', array[i, i * 0.5, null]),
      case when status = 'completed' then jsonb_build_object('ok', true, 'of', i / 3.0) end,
      status, 1 + i % 10, i % 4, 3, created,
      case when status = 'queued' and i % 5 = 0 then created + interval '1 minute 1.234567 seconds' end,
      case when status <> 'queued' then created + interval '1 minute' end,
      case when status <> 'queued' then created + interval '1 minute' end,
      case when status = 'processing' then now() + interval '1 day' end,
      case when status not in ('queued', 'quarantined') then 'lease-' || i end,
      case when status not in ('queued', 'quarantined') then 'worker-' || i % 9 end,
      case when status in ('completed', 'failed') then created + interval '3 minutes' end,
      case when status = 'cancelled' then created + interval '2 minutes' end,
      case when status = 'cancelled' then 'requested by its owner' end,
      case when status = 'quarantined' then created + interval '9 minutes' end,
      case when status in ('failed', 'quarantined') then 'timeout' end,
      case when status = 'quarantined' then 'timeout' end,
      case when status = 'quarantined' then 3 else 0 end,
      case when status = 'completed' then 100 * random() end,
      case when status = 'completed' then 'token-' || i end,
      case when status = 'failed' then jsonb_build_array(jsonb_build_object('at', created, 'code', 'timeout')) end
    from (
      select
        i, domain,
        case
          when domain = ${domains.quarantined} then 'quarantined'
          when domain = ${domains.stale} then 'queued'
          when i % 50 = 1 then 'queued'
          when i % 50 = 2 then 'processing'
          else (array['completed', 'completed', 'completed', 'failed', 'cancelled'])[1 + i / 100 % 5]
        end as status,
        -- One row in ten is younger than 20 days, so that no change matches it.
        now() - (case when i % 10 = 3 then i % 20 else 40 + i % 300 end + i / 1e7) * interval '1 day' as created
      from (select i, ${domainOf(sql)} as domain from generate_series(1, ${rows}::int) as i) as placed
    ) as made`
  await sql`
    insert into job_attachments (job_id, kind, content_text, url)
    select id, kind, 'line ' || id || E'\n"ü"', case when kind = 'log' then 'https://example.com/' || id end
    from jobs, unnest(array['log', 'trace']) as kind
    where id % 8 = 0 or (id % 80 = 5 and kind = 'log')`
  // Jobs depend on jobs with smaller ids, in the same domain and in others. A live job depends only on completed and
  // queued
  // jobs, since the server cancels a dependent of a failed job.
  await sql`
    insert into job_dependencies (job_uuid, depends_on_job_uuid)
    select jobs.uuid, needed.uuid
    from jobs
    join jobs needed on needed.id in (jobs.id - 100, jobs.id - 7)
    where jobs.id % 6 = 0
      and (needed.status in ('completed', 'queued') or jobs.status not in ('queued', 'processing'))
      and (jobs.domain = ${domains.stale}) = (needed.domain = ${domains.stale})`
  await sql`analyze`
}

/** Waits until all indexes are valid. A server builds them after it is ready, and could deadlock with the inserts. */
export async function untilIndexed(sql: Sql): Promise<void> {
  for (;;) {
    const [last] = await sql`
      select from pg_index where indexrelid = to_regclass('jobsctl_sealed_operations') and indisvalid`
    if (last) return
    await wait(50)
  }
}

const domainOf = (sql: Sql) => sql`
  case
    when i % 100 < 60 then ${domains.large}
    when i % 100 < 80 then ${domains.small}
    when i % 100 < 88 then ${domains.unchanged}
    when i % 100 < 94 then ${domains.quarantined}
    else ${domains.stale}
  end`
