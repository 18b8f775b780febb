-- The list of the groups that have jobs: each of them has a row of all its jobs in the counts, if only of zeros, so that stats need
-- not look for the groups among the jobs.
do $$
begin
  -- A role that does not own the table may not even ask to add a column that is there.
  if exists (
    select from pg_attribute
    where attrelid = to_regclass('jobsctl_counting') and attname = 'listed_at' and not attisdropped
  ) then
    return;
  end if;
  -- The functions of the triggers as they were when every transaction that may have run earlier ones had ended.
  alter table jobsctl_counting add column functions text;
  -- It equals checked_at while every group has a row: an older server deletes rows of zeros, and writes checked_at alone.
  alter table jobsctl_counting add column listed_at timestamptz;
end
$$;

-- A statement appends a row for each group to which it adds jobs, also a group without live jobs.
create or replace function jobsctl_count_insert() returns trigger language plpgsql security definer as $$
begin
  -- also a group without live jobs: the server looks for these words.
  insert into jobsctl_count_deltas (domain, queue, job_type, span, starts, queued, processing, quarantined)
  select domain, queue, job_type, span,
    case span when '' then '-infinity' else date_trunc(span, available_at, 'UTC') end,
    count(*) filter (where status = 'queued'),
    count(*) filter (where status = 'processing'),
    count(*) filter (where status = 'quarantined')
  -- These columns alone: other programs may have given theirs any name.
  from (select domain, queue, job_type, status, available_at from fresh) as added
  cross join (values (''), ('minute'), ('hour'), ('day')) as spans (span)
  where (span = '' or (status = 'queued' and available_at > now() and date_trunc(span, available_at, 'UTC') > now()))
    and now() < (select until from jobsctl_counting where jobs = tg_relid)
  group by 1, 2, 3, 4, 5;
  return null;
end
$$;

create or replace function jobsctl_count_update() returns trigger language plpgsql security definer as $$
begin
  -- also a group without live jobs: the server looks for these words.
  insert into jobsctl_count_deltas (domain, queue, job_type, span, starts, queued, processing, quarantined)
  select domain, queue, job_type, span,
    case span when '' then '-infinity' else date_trunc(span, available_at, 'UTC') end,
    coalesce(sum(n) filter (where status = 'queued'), 0),
    coalesce(sum(n) filter (where status = 'processing'), 0),
    coalesce(sum(n) filter (where status = 'quarantined'), 0)
  from (
    select domain, queue, job_type, status, available_at, 1 as n from fresh
    union all
    select domain, queue, job_type, status, available_at, -1 from gone
  ) as moved
  cross join (values (''), ('minute'), ('hour'), ('day')) as spans (span)
  where (span = '' or (status = 'queued' and available_at > now() and date_trunc(span, available_at, 'UTC') > now()))
    and now() < (select until from jobsctl_counting where jobs = tg_relid)
  group by 1, 2, 3, 4, 5
  having sum(n) filter (where status = 'queued') <> 0
    or sum(n) filter (where status = 'processing') <> 0
    or sum(n) filter (where status = 'quarantined') <> 0
    -- All jobs of the group come from other groups; where one was in it before, the group has its row.
    or min(n) = 1;
  return null;
end
$$;

-- As the other functions of the counts (0006_counts.sql), with the settings of 0051_history_of_few.sql, which says why: where this migration
-- runs again, since a function or a column is missing, that one does not.
do $$
declare
  name text;
begin
  foreach name in array array['insert', 'update'] loop
    execute format(
      'alter function jobsctl_count_%s() set search_path = %I, pg_temp set plan_cache_mode = force_generic_plan set jit = off',
      name, current_schema()
    );
    execute format('revoke execute on function jobsctl_count_%s() from public', name);
  end loop;
end
$$;
