import type { Sql } from '../database/sql.ts'

/**
 * Inserts an incident of the last two hours, in the domain `orders`. The queue `mail` is paused and was forgotten, the worker that ran is
 * dead with its leases, and the jobs before failed for two reasons.
 */
export async function insertIncident(sql: Sql): Promise<void> {
  await insertJobs(sql)
  await sql`
    insert into job_queue_controls (domain, queue, paused, drain, updated_at)
    values ('orders', 'mail', true, false, now() - interval '25 minutes')`
  await sql`
    insert into job_events (domain, queue, event_type, attrs_json, created_at)
    values (
      'orders', 'mail', 'queue.paused', ${{ paused: true, drain: false, reason: 'deploy of the mailer' }}::jsonb,
      now() - interval '25 minutes'
    )`
}

/** 240 jobs that are queued, 30 that run under expired leases, and 130 that failed: 120 without a mail server, 10 by their address. */
const insertJobs = (sql: Sql) => sql`
  with numbered as (
    select
      i,
      case when i <= 240 then 'queued' when i <= 270 then 'processing' else 'failed' end as status,
      now() - interval '125 minutes' + (400 - i) * interval '13 seconds' as created
    from generate_series(1, 400) as i
  )
  insert into jobs (
    uuid, domain, queue, job_type, owner_user_id, payload, status, priority, retry_count, created_at, started_at, acquired_at,
    leased_until, lease_id, worker_id, updated_at, completed_at, error_code, error_message
  )
  select
    md5('order-' || i)::uuid::text, 'orders', 'mail', 'receipt', (i % 23)::text,
    jsonb_build_object('order', 7000 + i, 'to', 'customer' || i % 23 || '@example.com'), status, 5,
    case when status = 'failed' then 3 else 0 end, created,
    case status when 'processing' then now() - interval '50 minutes' when 'failed' then created + interval '1 minute' end,
    case status when 'processing' then now() - interval '50 minutes' when 'failed' then created + interval '1 minute' end,
    case when status = 'processing' then now() - interval '20 minutes' end,
    case when status <> 'queued' then 'lease-of-order-' || i end,
    case when status <> 'queued' then 'mailer-' || 1 + i % 3 end,
    case status
      when 'queued' then created
      when 'processing' then now() - interval '25 minutes'
      else created + interval '3 minutes'
    end,
    case when status = 'failed' then created + interval '3 minutes' end,
    case when status = 'failed' then case when i % 13 = 0 then 'address' else 'smtp' end end,
    case
      when status = 'failed' and i % 13 = 0 then 'no such address "customer' || i % 23 || '@example.com"'
      when status = 'failed' then 'connect ECONNREFUSED 10.0.3.' || i % 9 || ':25'
    end
  from numbered`
