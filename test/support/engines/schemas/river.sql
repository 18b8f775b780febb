-- The table of jobs of River as its migrations 1 to 6 leave it, and jobs in each of its states.
create type river_job_state as enum
  ('available', 'cancelled', 'completed', 'discarded', 'pending', 'retryable', 'running', 'scheduled');
create table river_job (
  id bigserial primary key,
  state river_job_state not null default 'available',
  attempt smallint not null default 0,
  max_attempts smallint not null,
  attempted_at timestamptz,
  created_at timestamptz not null default now(),
  finalized_at timestamptz,
  scheduled_at timestamptz not null default now(),
  priority smallint not null default 1,
  args jsonb not null,
  attempted_by text[],
  errors jsonb[],
  kind text not null,
  metadata jsonb not null default '{}',
  queue text not null default 'default',
  tags varchar(255)[] not null default '{}',
  unique_key bytea,
  unique_states bit(8),
  constraint finalized_or_finalized_at_null
    check ((finalized_at is not null) = (state in ('cancelled', 'completed', 'discarded'))),
  constraint max_attempts_is_positive check (max_attempts > 0),
  constraint priority_in_range check (priority between 1 and 4)
);
create index river_job_kind on river_job (kind);
create index river_job_state_and_finalized_at_index on river_job (state, finalized_at) where finalized_at is not null;
create index river_job_prioritized_fetching_index on river_job (state, queue, priority, scheduled_at, id);
create index river_job_args_index on river_job using gin (args);
create index river_job_metadata_index on river_job using gin (metadata);
create function river_job_state_in_bitmask(bitmask bit(8), state river_job_state) returns boolean language sql immutable
  return get_bit(bitmask, 8 - array_position(enum_range(null::river_job_state), state)) = 1;
create unique index river_job_unique_idx on river_job (unique_key)
  where unique_key is not null and unique_states is not null and river_job_state_in_bitmask(unique_states, state);

insert into river_job
  (state, attempt, max_attempts, attempted_at, created_at, finalized_at, scheduled_at, args, attempted_by, errors, kind, metadata, queue,
    unique_key, unique_states)
select
  state::river_job_state, attempt, 25, case when attempt > 0 then now() - interval '1 hour' end, now() - interval '2 hours',
  case when state in ('cancelled', 'completed', 'discarded') then now() - interval '50 minutes' end,
  now() + case when state in ('retryable', 'scheduled') then interval '1 hour' else -interval '1 hour' end,
  '{"to": "a"}', case when attempt > 0 then array['client 1', 'client 2'] end,
  case when attempt > 1 then array['{"at": "2026-01-01T00:00:00Z", "attempt": 1, "error": "first", "trace": ""}',
    '{"at": "2026-01-01T00:01:00Z", "attempt": 2, "error": "connection refused", "trace": ""}']::jsonb[] end,
  'sort', '{"output": {"lines": 3}}', 'mail', convert_to(state, 'UTF8'), '11110101'
from (values ('available', 0), ('cancelled', 2), ('completed', 1), ('discarded', 25), ('pending', 0), ('retryable', 2), ('running', 1),
  ('scheduled', 0)) as jobs (state, attempt);
