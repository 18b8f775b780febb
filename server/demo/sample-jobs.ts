import type { Sql } from '../database/sql.ts'

/**
 * Inserts 4,000 jobs in all states, created in the last four months. Some of them break an invariant, so that the demo
 * can show every command. The jobs are the same in each run; their times are relative to the current time.
 */
export async function insertSampleJobs(sql: Sql): Promise<void> {
  await sql`
    with numbered as (
      select
        i,
        (array['chatbooks', 'media', 'embeddings', 'reports'])[1 + i % 4] as domain,
        (array['default', 'default', 'low'])[1 + i % 3] as queue,
        (array['export', 'import'])[1 + i / 7 % 2] as job_type,
        case
          when i % 100 < 62 then 'completed'
          when i % 100 < 70 then 'failed'
          when i % 100 < 76 then 'cancelled'
          when i % 100 < 79 then 'quarantined'
          when i % 100 < 84 then 'processing'
          else 'queued'
        end as status
      from generate_series(1, 4000) as i
    ),
    timed as (
      -- A job that runs was created in the last hours; the leases of a worker that died ended five minutes ago.
      select
        *,
        case
          when status = 'processing' then now() - interval '20 minutes' - i % 37 * interval '7 minutes'
          else now() - i * interval '43 minutes'
        end as created
      from numbered
    )
    insert into jobs (
      uuid, domain, queue, job_type, owner_user_id, payload, status, priority, retry_count, created_at,
      available_at, started_at, acquired_at, leased_until, lease_id, worker_id,
      updated_at, completed_at, cancelled_at, cancellation_reason, quarantined_at, error_code, failure_streak_code, failure_streak_count
    )
    select
      md5('sample-' || i)::uuid::text, domain, queue, job_type, (i % 17)::text, jsonb_build_object('number', i), status, 1 + i % 10,
      case when status in ('failed', 'quarantined') then 3 else 0 end, created,
      case when status = 'queued' and i % 5 = 0 then now() + interval '6 hours' end,
      case
        when status in ('processing', 'completed', 'failed') then created + interval '1 minute'
        when status = 'quarantined' then created + interval '8 minutes'
      end,
      case
        when status in ('processing', 'completed', 'failed') then created + interval '1 minute'
        when status = 'quarantined' then created + interval '8 minutes'
      end,
      -- Some running jobs have an expired lease, and some cancelled jobs still have a lease.
      case
        when status = 'processing' then now() + case when i % 8 = 0 then interval '-5 minutes' else interval '5 minutes' end
        when status = 'cancelled' and i % 300 = 72 then now() + interval '30 minutes'
      end,
      case when status in ('processing', 'completed', 'failed') then 'lease-' || i end,
      case when status in ('processing', 'completed', 'failed') then 'worker-' || i % 9 end,
      case
        when status = 'processing' then now() - case when i % 8 = 0 then interval '10 minutes' else i % 50 * interval '1 second' end
        when status in ('completed', 'failed') then created + interval '3 minutes'
        when status = 'cancelled' then created + interval '2 minutes'
        when status = 'quarantined' then created + interval '9 minutes'
        else created
      end,
      case when status in ('completed', 'failed') then created + interval '3 minutes' end,
      case when status = 'cancelled' then created + interval '2 minutes' end,
      case when status = 'cancelled' then 'requested by its owner' end,
      case when status = 'quarantined' then created + interval '9 minutes' end,
      case when status in ('failed', 'quarantined') then 'timeout' end,
      case when status = 'quarantined' then 'timeout' end,
      case when status = 'quarantined' then 3 else 0 end
    from timed`
}
