-- Counts of live jobs. Triggers keep them for every writer, so the cost of stats depends on the number of groups and
-- not on the number of jobs. A writer only appends rows and reads no count, so writers never wait for each other at any
-- isolation level. A server adds the appended rows up. The server makes the triggers when it runs, because that takes a
-- lock which a busy table may not give at once.

-- Rows that writers have appended since the last compaction. It has no index, because it is written a thousand times for
-- each time it is read. The names compare byte by byte, which is enough for grouping.
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
) with (parallel_workers = 0); -- the table is small: starting a parallel worker takes longer than reading it
alter table jobsctl_count_deltas replica identity full; -- a publication of all tables requires a replica identity for the deletes

-- The sums, one row per group and span. Half of each page stays free, so that an update of a sum stays on its page and
-- does not write to the index (a HOT update).
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

-- One row: it says whether the counts can be trusted.
create table if not exists jobsctl_counting (
  one boolean primary key default true check (one),
  -- The triggers append until this time. A running server moves it forward, so nothing grows while no server runs.
  until timestamptz not null default '-infinity',
  -- The triggers as they were when the counts were last correct; null when the jobs have to be counted again.
  triggers text,
  checked_at timestamptz,
  -- The time of the last correction of the counts, and the number of jobs by which they were wrong.
  mended_at timestamptz,
  mended bigint,
  -- The table that is counted. A copy of the table may have the same triggers, and is not counted.
  jobs oid
);
alter table jobsctl_counting add column if not exists jobs oid;
insert into jobsctl_counting default values on conflict do nothing;
update jobsctl_counting set jobs = to_regclass('jobs')::oid, triggers = null where jobs is null;

-- The functions of inserts and updates are in 0049_groups.sql.

-- Once per deleted live row: a prune deletes finished rows, which do not run this function.
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

-- Sums that another program writes, such as a restore of a backup into a database that counts already, would be added to
-- the sums of the triggers, so they mark the counts as wrong. A server sets jobsctl.counting to identify itself. Appended
-- rows are not checked in this way, because the check would cost every writer time.
drop trigger if exists jobsctl_count_strange_sum on jobsctl_counts;
create trigger jobsctl_count_strange_sum before insert on jobsctl_counts for each statement
  when (current_setting('jobsctl.counting', true) is distinct from 'on') execute function jobsctl_count_truncate();
alter table jobsctl_counts enable always trigger jobsctl_count_strange_sum;

-- The functions run with the rights of their owner, since roles of other programs have no rights on these tables. A fixed
-- search_path keeps a caller from choosing other tables.
do $$
declare
  name text;
begin
  foreach name in array array['delete', 'truncate'] loop
    execute format('alter function jobsctl_count_%s() set search_path = %I, pg_temp', name, current_schema());
    execute format('revoke execute on function jobsctl_count_%s() from public', name); -- firing them takes no right
  end loop;
end
$$;
