-- The jobs that hold a key of an enqueue with `unique: while_queued`. One row for each key that was ever used and whose job still exists.
create table if not exists jobsctl_claims (
  domain text not null,
  queue text not null,
  job_type text not null,
  -- The idempotency key of the enqueue. The job itself has none.
  key text not null,
  -- The job that holds the key while it is queued or processing. In any other state, the next enqueue takes the key over.
  job_uuid text not null,
  primary key (domain, queue, job_type, key)
);

-- jobsctl_enqueue() with a key that only holds while its job is queued or processing.
do $$
begin
create or replace function jobsctl_enqueue_unique(
  domain text,
  job_type text,
  idempotency_key text,
  payload jsonb default '{}',
  queue text default 'default',
  priority integer default 5,
  max_retries integer default 3,
  available_at timestamptz default null,
  owner_user_id text default null,
  batch_group text default null,
  depends_on text[] default null,
  quarantine_threshold integer default null,
  request_id text default null,
  trace_id text default null,
  traceparent text default null
) returns table (id bigint, uuid text, created boolean) language plpgsql security definer as $body$
#variable_conflict use_column
declare
  -- The parameters that name the claim. A longer name than jobsctl_enqueue() takes is cut to one that it refuses.
  asked record;
begin
  select left(coalesce(btrim(jobsctl_enqueue_unique.domain), ''), 129) as domain,
    left(coalesce(btrim(jobsctl_enqueue_unique.queue), ''), 129) as queue,
    left(coalesce(btrim(jobsctl_enqueue_unique.job_type), ''), 129) as job_type,
    jobsctl_enqueue_unique.idempotency_key as key
  into asked;
  if coalesce(btrim(asked.key), '') = '' or length(asked.key) > 256 then
    raise exception using errcode = '22023',
      message = 'jobsctl_enqueue_unique: idempotency_key must have 1 to 256 characters; nothing was enqueued';
  end if;

  -- The lock comes first, and the job is judged in a statement after it, which sees what the former owner of the lock has committed.
  insert into jobsctl_claims as claim (domain, queue, job_type, key, job_uuid)
  values (asked.domain, asked.queue, asked.job_type, asked.key, '')
  on conflict on constraint jobsctl_claims_pkey do update set job_uuid = claim.job_uuid where false;
  return query
  select jobs.id::bigint, btrim(jobs.uuid), false
  from jobsctl_claims as claim
  join jobs on jobs.uuid = claim.job_uuid and jobs.domain = claim.domain and jobs.queue = claim.queue and jobs.job_type = claim.job_type
  where claim.domain = asked.domain and claim.queue = asked.queue and claim.job_type = asked.job_type and claim.key = asked.key
    and jobs.status in ('queued', 'processing');
  if found then
    return;
  end if;

  select enqueued.id, enqueued.uuid, enqueued.created
  into id, uuid, created
  from jobsctl_enqueue(
    domain => jobsctl_enqueue_unique.domain, job_type => jobsctl_enqueue_unique.job_type, payload => jobsctl_enqueue_unique.payload,
    queue => jobsctl_enqueue_unique.queue, priority => jobsctl_enqueue_unique.priority,
    max_retries => jobsctl_enqueue_unique.max_retries, available_at => jobsctl_enqueue_unique.available_at,
    owner_user_id => jobsctl_enqueue_unique.owner_user_id, batch_group => jobsctl_enqueue_unique.batch_group,
    depends_on => jobsctl_enqueue_unique.depends_on, quarantine_threshold => jobsctl_enqueue_unique.quarantine_threshold,
    request_id => jobsctl_enqueue_unique.request_id, trace_id => jobsctl_enqueue_unique.trace_id,
    traceparent => jobsctl_enqueue_unique.traceparent
  ) as enqueued;
  update jobsctl_claims as claim
  set job_uuid = jobsctl_enqueue_unique.uuid
  where claim.domain = asked.domain and claim.queue = asked.queue and claim.job_type = asked.job_type and claim.key = asked.key;
  return next;
end
$body$;
  -- As jobsctl_enqueue().
  execute format('alter function jobsctl_enqueue_unique set search_path = %I, pg_temp', current_schema());
  alter function jobsctl_enqueue_unique set timezone = 'UTC';
  revoke execute on function jobsctl_enqueue_unique from public;
exception when insufficient_privilege then
  raise notice 'programs cannot enqueue with a key that ends: this role may not make or replace jobsctl_enqueue_unique()';
end
$$;
