-- The tables of Solid Queue that tell the state of a job: the job is in one of them, or has ended.
create table solid_queue_jobs (
  id bigserial primary key,
  queue_name varchar not null,
  class_name varchar not null,
  arguments text,
  priority integer not null default 0,
  active_job_id varchar,
  scheduled_at timestamp(6) without time zone,
  finished_at timestamp(6) without time zone,
  concurrency_key varchar,
  created_at timestamp(6) without time zone not null,
  updated_at timestamp(6) without time zone not null
);
create table solid_queue_failed_executions (
  id bigserial primary key,
  job_id bigint not null unique references solid_queue_jobs on delete cascade,
  error text,
  created_at timestamp(6) without time zone not null
);
create table solid_queue_ready_executions (
  id bigserial primary key,
  job_id bigint not null unique references solid_queue_jobs on delete cascade,
  queue_name varchar not null,
  priority integer not null default 0,
  created_at timestamp(6) without time zone not null
);
