-- The table of jobs of Oban as its migrations 1 to 13 leave it in the schema "private", and jobs in each of its states.
create schema private;
create type private.oban_job_state as enum
  ('available', 'scheduled', 'executing', 'retryable', 'completed', 'discarded', 'cancelled');
create table private.oban_jobs (
  id bigserial primary key,
  state private.oban_job_state not null default 'available',
  queue text not null default 'default',
  worker text not null,
  args jsonb not null default '{}',
  errors jsonb[] not null default array[]::jsonb[],
  attempt integer not null default 0,
  max_attempts integer not null default 20,
  inserted_at timestamp without time zone not null default timezone('UTC', now()),
  scheduled_at timestamp without time zone not null default timezone('UTC', now()),
  attempted_at timestamp without time zone,
  completed_at timestamp without time zone,
  attempted_by text[],
  discarded_at timestamp without time zone,
  priority integer not null default 0,
  tags text[] default array[]::text[],
  meta jsonb default '{}',
  cancelled_at timestamp without time zone,
  constraint attempt_range check (attempt between 0 and max_attempts),
  constraint non_negative_priority check (priority >= 0),
  constraint positive_max_attempts check (max_attempts > 0),
  constraint queue_length check (char_length(queue) between 1 and 127),
  constraint worker_length check (char_length(worker) between 1 and 127)
);
comment on table private.oban_jobs is '13';
create index oban_jobs_state_queue_priority_scheduled_at_id_index on private.oban_jobs (state, queue, priority, scheduled_at, id);
create index oban_jobs_args_index on private.oban_jobs using gin (args);
create index oban_jobs_meta_index on private.oban_jobs using gin (meta);
create index oban_jobs_state_cancelled_at_index on private.oban_jobs (state, cancelled_at);
create index oban_jobs_state_discarded_at_index on private.oban_jobs (state, discarded_at);

insert into private.oban_jobs
  (state, queue, worker, args, errors, attempt, inserted_at, scheduled_at, attempted_at, completed_at, discarded_at, cancelled_at, attempted_by)
select
  state::private.oban_job_state, 'mail', 'App.Mailer', '{"to": "a"}',
  case when attempt > 1 then array['{"at": "2026-01-01T00:00:00Z", "attempt": 1, "error": "first"}',
    '{"at": "2026-01-01T00:01:00Z", "attempt": 2, "error": "connection refused"}']::jsonb[] else '{}' end,
  attempt, utc - interval '2 hours', utc + case when state in ('retryable', 'scheduled') then interval '1 hour' else -interval '1 hour' end,
  case when attempt > 0 then utc - interval '1 hour' end, case state when 'completed' then utc - interval '50 minutes' end,
  case state when 'discarded' then utc - interval '50 minutes' end, case state when 'cancelled' then utc - interval '50 minutes' end,
  case when attempt > 0 then array['node 1', '6f9f3c1e-0000-4000-8000-000000000000'] end
from timezone('UTC', now()) as utc, (values ('available', 0), ('scheduled', 0), ('executing', 1), ('retryable', 2), ('completed', 1),
  ('discarded', 20), ('cancelled', 2)) as jobs (state, attempt);
