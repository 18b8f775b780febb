-- The table of jobs of GoodJob 4, and jobs in each of the states that it computes.
create table good_jobs (
  id uuid primary key default gen_random_uuid(),
  queue_name text,
  priority integer,
  serialized_params jsonb,
  scheduled_at timestamp(6) without time zone,
  performed_at timestamp(6) without time zone,
  finished_at timestamp(6) without time zone,
  error text,
  created_at timestamp(6) without time zone not null,
  updated_at timestamp(6) without time zone not null,
  active_job_id uuid,
  concurrency_key text,
  cron_key text,
  retried_good_job_id uuid,
  cron_at timestamp(6) without time zone,
  batch_id uuid,
  batch_callback_id uuid,
  is_discrete boolean,
  executions_count integer,
  job_class text,
  error_event smallint,
  labels text[],
  locked_by_id uuid,
  locked_at timestamp(6) without time zone
);
create index index_good_jobs_on_active_job_id_and_created_at on good_jobs (active_job_id, created_at);
create unique index index_good_jobs_on_cron_key_and_cron_at_cond on good_jobs (cron_key, cron_at) where cron_key is not null;
create index index_good_jobs_jobs_on_finished_at on good_jobs (finished_at) where retried_good_job_id is null and finished_at is not null;
create index index_good_jobs_on_scheduled_at on good_jobs (scheduled_at) where finished_at is null;
create index index_good_jobs_on_queue_name_and_scheduled_at on good_jobs (queue_name, scheduled_at) where finished_at is null;
create index index_good_job_jobs_for_candidate_lookup on good_jobs (priority, created_at) where finished_at is null;

insert into good_jobs
  (queue_name, priority, serialized_params, scheduled_at, performed_at, finished_at, error, created_at, updated_at, retried_good_job_id,
    executions_count, job_class, error_event, labels, locked_by_id)
select
  'mail', 0, jsonb_build_object('job_class', 'MailJob', 'executions', runs, 'arguments', jsonb_build_array(state)),
  utc + case when state in ('scheduled', 'retried') then interval '1 hour' else -interval '1 hour' end,
  case when state in ('running', 'succeeded', 'discarded', 'superseded') then utc - interval '1 hour' end,
  case when state in ('succeeded', 'discarded', 'superseded') then utc - interval '50 minutes' end,
  case when state in ('retried', 'discarded', 'superseded') then 'Net::OpenTimeout: connection refused' end,
  utc - interval '2 hours', utc - interval '50 minutes', case state when 'superseded' then gen_random_uuid() end,
  runs, 'MailJob', case state when 'retried' then 3 when 'discarded' then 5 end, array['state ' || state],
  case state when 'running' then gen_random_uuid() end
from timezone('UTC', now()) as utc, (values ('queued', 0), ('scheduled', 0), ('retried', 1), ('running', 1), ('succeeded', 1),
  ('discarded', 5), ('superseded', 1)) as jobs (state, runs);
