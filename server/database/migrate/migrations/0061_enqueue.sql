-- Enqueues a job in the transaction of its caller, with what an enqueue over HTTP does: the uuid, the idempotency key, the dependencies, the
-- event and the wake-up of waiting workers. A role that may execute the function needs no right on a table. Where the role of a program owns
-- the tables, it may execute the function already.
do $$
begin
-- A start that makes what is missing runs this again after 0062, which has the function with a further argument: a second one would make calls ambiguous.
if to_regprocedure('jobsctl_enqueue(text, text, jsonb, text, integer, integer, timestamptz, text, text, text, text[], integer, text, text, text)') is not null then
  return;
end if;
create or replace function jobsctl_enqueue(
  domain text,
  job_type text,
  payload jsonb default '{}',
  queue text default 'default',
  priority integer default 5,
  max_retries integer default 3,
  available_at timestamptz default null,
  idempotency_key text default null,
  owner_user_id text default null,
  batch_group text default null,
  depends_on text[] default null,
  quarantine_threshold integer default null,
  request_id text default null,
  trace_id text default null
) returns table (id bigint, uuid text, created boolean) language plpgsql security definer as $body$
#variable_conflict use_column
declare
  -- The parameters as they are stored. A name of this record is never the name of a column.
  job record;
  fault text;
  -- The status of a dependency that has ended badly: the job is inserted as cancelled.
  ended text;
  unknown text;
begin
  select btrim(jobsctl_enqueue.domain) as domain, btrim(jobsctl_enqueue.queue) as queue,
    btrim(jobsctl_enqueue.job_type) as job_type, jobsctl_enqueue.payload as payload,
    jobsctl_enqueue.priority as priority, jobsctl_enqueue.max_retries as max_retries,
    jobsctl_enqueue.available_at as available_at, jobsctl_enqueue.idempotency_key as idempotency_key,
    jobsctl_enqueue.owner_user_id as owner_user_id, jobsctl_enqueue.batch_group as batch_group,
    array(select distinct btrim(one) from unnest(jobsctl_enqueue.depends_on) as one) as depends_on,
    jobsctl_enqueue.quarantine_threshold as quarantine_threshold,
    jobsctl_enqueue.request_id as request_id, jobsctl_enqueue.trace_id as trace_id,
    -- A uuid of version 7: the time in milliseconds, then what is random.
    overlay(
      overlay(
        gen_random_uuid()::text
        placing regexp_replace(lpad(to_hex((extract(epoch from clock_timestamp()) * 1000)::bigint), 12, '0'), '^(.{8})', '\1-')
        from 1 for 13
      )
      placing '7' from 15 for 1
    ) as uuid
  into job;

  select message into fault
  from (values
    (1, coalesce(job.domain, '') !~ '^[^\x01-\x1f\x7f-\x9f]{1,128}$', 'domain must have 1 to 128 characters, none of them a control character'),
    (2, coalesce(job.queue, '') !~ '^[^\x01-\x1f\x7f-\x9f]{1,128}$', 'queue must have 1 to 128 characters, none of them a control character'),
    (3, coalesce(job.job_type, '') !~ '^[^\x01-\x1f\x7f-\x9f]{1,128}$', 'job_type must have 1 to 128 characters, none of them a control character'),
    (4, jsonb_typeof(job.payload) is distinct from 'object', 'payload must be an object'),
    (5, job.priority is null or job.priority not between 1 and 10, 'priority must be from 1 to 10'),
    (6, job.max_retries is null or job.max_retries not between 0 and 100, 'max_retries must be from 0 to 100'),
    (7, not isfinite(job.available_at), 'available_at must be a time'),
    (8, btrim(job.idempotency_key) = '' or length(job.idempotency_key) > 256, 'idempotency_key must have 1 to 256 characters'),
    (9, btrim(job.owner_user_id) = '' or length(job.owner_user_id) > 128, 'owner_user_id must have 1 to 128 characters'),
    (10, btrim(job.batch_group) = '' or length(job.batch_group) > 256, 'batch_group must have 1 to 256 characters'),
    (11, cardinality(job.depends_on) > 100, 'depends_on must name at most 100 jobs'),
    (12, job.quarantine_threshold not between 1 and 100, 'quarantine_threshold must be from 1 to 100')
  ) as checks (at, fails, message)
  where fails
  order by at
  limit 1;
  if fault is not null then
    raise exception using errcode = '22023', message = 'jobsctl_enqueue: ' || fault || '; nothing was enqueued';
  end if;

  if job.idempotency_key is not null then
    return query
    select jobs.id::bigint, btrim(jobs.uuid), false
    from jobs
    where jobs.domain = job.domain and jobs.queue = job.queue and jobs.job_type = job.job_type
      and jobs.idempotency_key = job.idempotency_key;
    if found then
      return;
    end if;
  end if;

  if exists (
    select from job_queue_controls as control where control.domain = job.domain and control.queue = job.queue and control.drain
  ) then
    raise exception using errcode = '55000',
      message = format('jobsctl_enqueue: %s/%s takes no new jobs: it drains; nothing was enqueued', job.domain, job.queue),
      hint = 'Try again when the queue has been resumed.';
  end if;

  if cardinality(job.depends_on) > 0 then
    -- The lock keeps a job that is needed from being deleted before its edge is there for the one who deletes it.
    with needed as materialized (
      select edge.uuid, found.status
      from unnest(job.depends_on) as edge (uuid)
      left join lateral (
        select status from jobs where jobs.uuid = edge.uuid offset 0 for key share
      ) as found on true
    )
    select string_agg(needed.uuid, ', ') filter (where needed.status is null),
      min(needed.status) filter (where needed.status in ('failed', 'cancelled', 'quarantined'))
    into unknown, ended
    from needed;
    if unknown is not null then
      raise exception using errcode = '23503',
        message = format('jobsctl_enqueue: depends_on: no job has the uuid %s; nothing was enqueued', left(unknown, 400));
    end if;
  end if;

  insert into jobs (
    uuid, domain, queue, job_type, payload, owner_user_id, priority, max_retries, retry_count, available_at,
    idempotency_key, batch_group, request_id, trace_id, status, cancelled_at, cancellation_reason
  )
  values (
    job.uuid, job.domain, job.queue, job.job_type, job.payload, job.owner_user_id, job.priority, job.max_retries, 0, job.available_at,
    job.idempotency_key, job.batch_group, job.request_id, job.trace_id,
    case when ended is null then 'queued' else 'cancelled' end,
    case when ended is not null then now() end,
    'dependency_' || ended
  )
  on conflict do nothing
  returning jobs.id::bigint into id;
  if id is null then
    -- Another transaction has inserted a job with the key since the look above.
    return query
    select jobs.id::bigint, btrim(jobs.uuid), false
    from jobs
    where jobs.domain = job.domain and jobs.queue = job.queue and jobs.job_type = job.job_type
      and jobs.idempotency_key = job.idempotency_key;
    if not found then
      raise exception using errcode = '40001', message = 'jobsctl_enqueue: the job was not inserted: a job with its idempotency key came and went, or a trigger rejected the row; nothing was enqueued';
    end if;
    return;
  end if;
  -- A statement of its own: a table of another program may lack the column, and then only a job with a threshold fails.
  if job.quarantine_threshold is not null then
    update jobs set quarantine_threshold = job.quarantine_threshold where jobs.id = jobsctl_enqueue.id;
  end if;

  insert into job_dependencies (job_uuid, depends_on_job_uuid)
  select job.uuid, needs from unnest(job.depends_on) as needs;

  insert into job_events (job_id, domain, queue, job_type, event_type, attrs_json, owner_user_id, request_id, trace_id)
  select jobsctl_enqueue.id, job.domain, job.queue, job.job_type, event_type, jsonb_strip_nulls(attrs), job.owner_user_id, job.request_id, job.trace_id
  from (values
    ('job.created', jsonb_build_object(
      'caller', 'sql:' || session_user, 'priority', job.priority,
      'available_at', replace(replace(job.available_at::text, ' ', 'T'), '+00', 'Z')
    )),
    ('job.cancelled', jsonb_build_object('reason', 'dependency_' || ended, 'terminal', true))
  ) as event (event_type, attrs)
  where event_type = 'job.created' or ended is not null;

  if ended is null then
    perform pg_notify('jobsctl_work', jsonb_build_array(jsonb_build_array(job.domain, job.queue))::text);
  end if;
  uuid := job.uuid;
  created := true;
  return next;
end
$body$;
  -- The function runs with the rights of its owner, so its names must not depend on the caller. Times are written as those of the servers.
  execute format('alter function jobsctl_enqueue set search_path = %I, pg_temp', current_schema());
  alter function jobsctl_enqueue set timezone = 'UTC';
  -- Every role could enqueue otherwise.
  revoke execute on function jobsctl_enqueue from public;
exception when insufficient_privilege then
  raise notice 'programs cannot enqueue in their own transactions: this role may not make or replace jobsctl_enqueue()';
end
$$;
