-- Counts of live jobs, kept by triggers for every writer, so that stats cost what there are groups and not what
-- there are jobs. Writers only ever append: they wait for nobody, read no count, and cannot get in each other's way,
-- whatever their isolation. A server adds up what they appended. The triggers are made by the server once it runs,
-- since that takes a lock that a busy table may not give at once.

-- What writers appended since it was last added up. No index: it is written a thousand times for each time it is read.
-- The names compare byte by byte, which is all that grouping takes.
create table if not exists jobsctl_count_deltas (
  domain text collate "C",
  queue text collate "C",
  job_type text collate "C",
  -- '' is all jobs of the group. 'minute', 'hour' and 'day' are queued jobs that fall due in the one that `starts`; null
  -- marks that the table of jobs was truncated, and that nothing here counts any more.
  span text,
  starts timestamptz,
  queued bigint not null default 0,
  processing bigint not null default 0,
  quarantined bigint not null default 0
) with (parallel_workers = 0); -- small, but without an index, and to start a process takes longer than to read it
alter table jobsctl_count_deltas replica identity full; -- rows are deleted, and a publication of all tables asks for one

-- The sums, one row a cell. Half of each page is kept free, so that a sum changes in place, without touching the index.
create table if not exists jobsctl_counts (
  domain text collate "C",
  queue text collate "C",
  job_type text collate "C",
  span text,
  starts timestamptz,
  queued bigint not null default 0,
  processing bigint not null default 0,
  quarantined bigint not null default 0,
  primary key (span, starts, domain, queue, job_type)
) with (fillfactor = 50, parallel_workers = 0);

-- One row: whether the counts can be trusted.
create table if not exists jobsctl_counting (
  one boolean primary key default true check (one),
  -- Writers append until then. A server puts it off as long as it runs, so that nothing grows where no server adds up.
  until timestamptz not null default '-infinity',
  -- The triggers as they were when the counts were last found right; null when they have to be counted anew.
  triggers text,
  checked_at timestamptz,
  -- When they were last found wrong and set right, and by how many jobs.
  mended_at timestamptz,
  mended bigint,
  -- The table that is counted: another may have come to have its triggers, such as one that it was copied to.
  jobs oid
);
alter table jobsctl_counting add column if not exists jobs oid;
insert into jobsctl_counting default values on conflict do nothing;
update jobsctl_counting set jobs = to_regclass('jobs')::oid, triggers = null where jobs is null;

create or replace function jobsctl_count_insert() returns trigger language plpgsql security definer as $$
begin
  insert into jobsctl_count_deltas (domain, queue, job_type, span, starts, queued, processing, quarantined)
  select domain, queue, job_type, span,
    case span when '' then '-infinity' else date_trunc(span, available_at, 'UTC') end,
    count(*) filter (where status = 'queued'),
    count(*) filter (where status = 'processing'),
    count(*) filter (where status = 'quarantined')
  -- These columns alone: other programs may have given theirs any name.
  from (select domain, queue, job_type, status, available_at from fresh) as added
  cross join (values (''), ('minute'), ('hour'), ('day')) as spans (span)
  where status in ('queued', 'processing', 'quarantined')
    and (span = '' or (status = 'queued' and available_at > now() and date_trunc(span, available_at, 'UTC') > now()))
    and now() < (select until from jobsctl_counting where jobs = tg_relid)
  group by 1, 2, 3, 4, 5;
  return null;
end
$$;

create or replace function jobsctl_count_update() returns trigger language plpgsql security definer as $$
begin
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
  where status in ('queued', 'processing', 'quarantined')
    and (span = '' or (status = 'queued' and available_at > now() and date_trunc(span, available_at, 'UTC') > now()))
    and now() < (select until from jobsctl_counting where jobs = tg_relid)
  group by 1, 2, 3, 4, 5
  having sum(n) filter (where status = 'queued') <> 0
    or sum(n) filter (where status = 'processing') <> 0
    or sum(n) filter (where status = 'quarantined') <> 0;
  return null;
end
$$;

-- Row by row, and for live rows alone: a prune deletes finished ones, and is not to pay for it.
create or replace function jobsctl_count_delete() returns trigger language plpgsql security definer as $$
begin
  insert into jobsctl_count_deltas (domain, queue, job_type, span, starts, queued, processing, quarantined)
  select old.domain, old.queue, old.job_type, span,
    case span when '' then '-infinity' else date_trunc(span, old.available_at, 'UTC') end,
    -(old.status = 'queued')::int, -(old.status = 'processing')::int, -(old.status = 'quarantined')::int
  from (values (''), ('minute'), ('hour'), ('day')) as spans (span)
  where (span = '' or (old.status = 'queued' and old.available_at > now() and date_trunc(span, old.available_at, 'UTC') > now()))
    and now() < (select until from jobsctl_counting where jobs = tg_relid);
  return null;
end
$$;

create or replace function jobsctl_count_truncate() returns trigger language plpgsql security definer as $$
begin
  insert into jobsctl_count_deltas (span)
  select null from jobsctl_counting where jobs = tg_relid or tg_table_name = 'jobsctl_counts';
  return null;
end
$$;

-- Sums that somebody else writes, such as those of a backup that is loaded into a database which counts already, come on
-- top of what the triggers count: they mark that nothing here counts any more. A server says that it is one. What is
-- appended is not looked at in the same way, since every writer would pay for it.
drop trigger if exists jobsctl_count_strange_sum on jobsctl_counts;
create trigger jobsctl_count_strange_sum before insert on jobsctl_counts for each statement
  when (current_setting('jobsctl.counting', true) is distinct from 'on') execute function jobsctl_count_truncate();
alter table jobsctl_counts enable always trigger jobsctl_count_strange_sum;

-- They run with the rights of their owner, since other programs' roles know nothing of these tables: where they find
-- them is not to depend on who calls.
do $$
declare
  name text;
begin
  foreach name in array array['insert', 'update', 'delete', 'truncate'] loop
    execute format('alter function jobsctl_count_%s() set search_path = %I, pg_temp', name, current_schema());
    execute format('revoke execute on function jobsctl_count_%s() from public', name); -- firing them takes no right
  end loop;
end
$$;
