import * as endpoints from '../../../shared/endpoints.ts'

/** SQL that inserts rows into all tables that other programs fill. The ids of the jobs are 1 to 6, and 900 in the archive. */
export const rowsOfAllKinds = `
      insert into jobs (uuid, domain, queue, job_type, status, payload, error_stack, failure_timeline, worker_id, lease_id,
        leased_until, error_message, error_code, completed_at, cancelled_at, quarantined_at, acquired_at, created_at)
      select 'uuid-' || status, 'd', 'default', 't', status, '{"a": 1}', '["line"]', '[]', 'w', 'l',
        case status when 'processing' then now() - interval '1 hour' end, 'it broke', 'timeout',
        case when status in ('completed', 'failed') then now() - interval '60 days' end,
        case status when 'cancelled' then now() - interval '60 days' end,
        case status when 'quarantined' then now() end, now(), now() - interval '70 days'
      from unnest(array['queued', 'processing', 'completed', 'failed', 'cancelled', 'quarantined']) as status;
      insert into job_events (job_id, domain, queue, job_type, event_type, attrs_json, created_at)
      values (1, 'd', 'default', 't', 'job.created', ' {"a": 1}', '2026-01-31 12:00:00.5');
      insert into job_attachments (job_id, kind, content_text) values (1, 'log', 'text');
      insert into job_queue_controls (domain, queue, paused) values ('d', 'stopped', true);
      insert into job_sla_policies (domain, queue, job_type, max_queue_latency_seconds) values ('d', 'default', 't', 5);
      insert into job_dependencies (job_uuid, depends_on_job_uuid) values ('uuid-queued', 'uuid-completed');
      insert into jobs_archive (id, uuid, domain, queue, job_type, status) values (900, 'gone', 'd', 'default', 't', 'failed')`

/** The path of every read of the API but the streams, with and without filters, for the rows of `rowsOfAllKinds`. */
export function everyRead(): string[] {
  const all: readonly { method?: string; path: string }[] = Object.values(endpoints)
  const found = all.filter(({ method, path }) => method === 'GET' && !path.endsWith('/stream'))
  const queries = new Map([
    ['/api/v1/jobs/queues/explain', ['?domain=d&queue=default']],
    ['/api/v1/jobs/queue/status', ['?domain=d&queue=stopped']],
    ['/api/v1/jobs/archive/meta', ['?job_id=900']],
    ['/api/v1/jobs/by-key', ['?domain=d&job_type=t&idempotency_key=k']],
    ['/api/v1/jobs/clusters', ['', '?status=failed', '?status=retrying']],
    ['/api/v1/jobs/events', ['', '?after_id=1', '?domain=d']],
    [
      '/api/v1/jobs/list',
      [
        ...['', 'created_at', 'priority', 'status', 'completed_at', 'ended_at'].map(
          (by) => `?sort_by=${by || 'status'}`,
        ),
        ...['created_after', 'created_before', 'ended_after', 'ended_before'].map(
          (at) => `?${at}=2026-01-01T00:00:00Z`,
        ),
        ...['owner_user_id=o', 'batch_group=b', 'worker_id=w', 'error_code=timeout', 'error=broke'].map(
          (one) => `?${one}`,
        ),
        ...['min_retries=1', 'stale=true', 'payload.a=1', 'status=failed'].map((one) => `?${one}`),
      ],
    ],
  ])
  return found.flatMap(({ path }) =>
    (queries.get(path) ?? ['']).flatMap((query) =>
      path.includes(':id') ? [1, 2, 900].map((id) => path.replace(':id', String(id))) : [`${path}${query}`],
    ),
  )
}
