-- Exact counts where jobs has partitions. A statement fires the triggers of the table that it names, so that the table and each partition have
-- their own. A delete is counted once a statement: a job that an update moves to another partition fires the delete trigger of each row, too.
do $$
begin
  -- A role that does not own the table may not even ask to add a column that is there.
  if exists (
    select from pg_attribute
    where attrelid = to_regclass('jobsctl_counting') and attname = 'tables' and not attisdropped
  ) then
    return;
  end if;
  -- The table of jobs and its partitions; empty where it has none.
  alter table jobsctl_counting add column tables oid[] not null default '{}';
end
$$;

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
    and now() < (select until from jobsctl_counting where jobs = tg_relid or tg_relid = any(tables))
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
    and now() < (select until from jobsctl_counting where jobs = tg_relid or tg_relid = any(tables))
  group by 1, 2, 3, 4, 5
  having sum(n) filter (where status = 'queued') <> 0
    or sum(n) filter (where status = 'processing') <> 0
    or sum(n) filter (where status = 'quarantined') <> 0
    -- All jobs of the group come from other groups; where one was in it before, the group has its row.
    or min(n) = 1;
  return null;
end
$$;

-- Once a statement that deletes from a table with partitions, or from a partition. A statement that deletes finished jobs alone appends nothing.
create or replace function jobsctl_count_deleted() returns trigger language plpgsql security definer as $$
begin
  insert into jobsctl_count_deltas (domain, queue, job_type, span, starts, queued, processing, quarantined)
  select domain, queue, job_type, span,
    case span when '' then '-infinity' else date_trunc(span, available_at, 'UTC') end,
    -count(*) filter (where status = 'queued'),
    -count(*) filter (where status = 'processing'),
    -count(*) filter (where status = 'quarantined')
  from (
    select domain, queue, job_type, status, available_at from gone where status in ('queued', 'processing', 'quarantined')
  ) as removed
  cross join (values (''), ('minute'), ('hour'), ('day')) as spans (span)
  where (span = '' or (status = 'queued' and available_at > now() and date_trunc(span, available_at, 'UTC') > now()))
    and now() < (select until from jobsctl_counting where tg_relid = any(tables))
  group by 1, 2, 3, 4, 5;
  return null;
end
$$;

create or replace function jobsctl_count_truncate() returns trigger language plpgsql security definer as $$
begin
  insert into jobsctl_count_deltas (span)
  select null from jobsctl_counting where jobs = tg_relid or tg_relid = any(tables) or tg_table_name = 'jobsctl_counts';
  return null;
end
$$;

-- As the other functions of the counts (0049_groups.sql).
do $$
declare
  name text;
begin
  foreach name in array array['insert', 'update', 'deleted', 'truncate'] loop
    execute format('alter function jobsctl_count_%s() set search_path = %I, pg_temp', name, current_schema());
    if name <> 'truncate' then
      execute format('alter function jobsctl_count_%s() set plan_cache_mode = force_generic_plan', name);
      execute format('alter function jobsctl_count_%s() set jit = off', name);
    end if;
    execute format('revoke execute on function jobsctl_count_%s() from public', name);
  end loop;
end
$$;
