-- What became of jobs, by the minute and the hour. A transition is a change of the status of a row, its making, or a new lease, by
-- any writer. Triggers append one row for each group of a statement, and a server adds the rows up. The server makes the triggers
-- when it runs and history is on, because that takes a lock which a busy table may not give at once.

-- Transitions that have not been added up. The table has no index, because it is written a thousand times for each time it is read.
create table if not exists jobsctl_transitions (
  domain text collate "C",
  queue text collate "C",
  job_type text collate "C",
  -- The status before, empty for a row that was made, and the status after.
  from_status text collate "C",
  to_status text collate "C",
  -- The minute in which the transaction of the writer began.
  minute timestamptz,
  jobs bigint,
  -- How long jobs had waited that were leased, or how long they had run whose attempt ended: the number of bounds (see
  -- jobsctl_history_update) that the time exceeds, and the sum. Both are null for other transitions.
  bucket smallint,
  milliseconds numeric
) with (parallel_workers = 0);
alter table jobsctl_transitions replica identity full; -- a publication of all tables requires a replica identity for the deletes

-- Transitions by the minute, for 7 days.
create table if not exists jobsctl_history_minutes (
  starts timestamptz not null,
  domain text collate "C" not null,
  queue text collate "C" not null,
  job_type text collate "C" not null,
  from_status text collate "C" not null,
  to_status text collate "C" not null,
  jobs bigint not null,
  -- The sum of the waits or run times.
  milliseconds numeric not null,
  -- 15 numbers of jobs, one for each bucket; null where no wait and no run time is known.
  buckets bigint[],
  primary key (starts, domain, queue, job_type, from_status, to_status)
) with (fillfactor = 70, parallel_workers = 0);

-- Transitions by the hour, for 90 days.
create table if not exists jobsctl_history_hours (
  starts timestamptz not null,
  domain text collate "C" not null,
  queue text collate "C" not null,
  job_type text collate "C" not null,
  from_status text collate "C" not null,
  to_status text collate "C" not null,
  jobs bigint not null,
  milliseconds numeric not null,
  buckets bigint[],
  primary key (starts, domain, queue, job_type, from_status, to_status)
) with (fillfactor = 70, parallel_workers = 0);

-- All transitions since history was first on. Nothing is deleted from it, so its numbers only grow.
create table if not exists jobsctl_history_totals (
  domain text collate "C" not null,
  queue text collate "C" not null,
  job_type text collate "C" not null,
  from_status text collate "C" not null,
  to_status text collate "C" not null,
  jobs bigint not null,
  milliseconds numeric not null,
  buckets bigint[],
  primary key (domain, queue, job_type, from_status, to_status)
) with (fillfactor = 70, parallel_workers = 0);

-- One row: whether the triggers append.
create table if not exists jobsctl_history (
  one boolean primary key default true check (one),
  -- The triggers append until this time. A running server moves it forward, so nothing grows while no server runs.
  until timestamptz not null default '-infinity',
  -- When history was on for the first time.
  since timestamptz,
  -- The table of jobs and its partitions. A copy of the table may have the same triggers, and has no history.
  tables oid[] not null default '{}'
);
insert into jobsctl_history default values on conflict do nothing;

-- The times in which history was off, or no server ran.
create table if not exists jobsctl_history_gaps (
  began timestamptz primary key,
  ended timestamptz not null
);

create or replace function jobsctl_history_insert() returns trigger language plpgsql security definer as $$
begin
  insert into jobsctl_transitions (domain, queue, job_type, from_status, to_status, minute, jobs)
  -- These columns alone: other programs may have given theirs any name.
  select
    domain collate "C", queue collate "C", job_type collate "C", '', status collate "C", date_trunc('minute', now(), 'UTC'), count(*)
  from fresh
  where now() < (select until from jobsctl_history where tg_relid = any(tables))
  group by 1, 2, 3, 5;
  return null;
end
$$;

-- A wait begins when the job is due. A job that has been leased before waits from its last change on, at the earliest; one whose lease
-- ran out, from the end of the lease on. An infinite time, or one of more than a hundred years, is not known. The bounds of the
-- buckets, 0.1 s to a day, never change.
create or replace function jobsctl_history_update() returns trigger language plpgsql security definer as $$
begin
  insert into jobsctl_transitions (domain, queue, job_type, from_status, to_status, minute, jobs, bucket, milliseconds)
  -- Names are compared by their bytes, which is quicker than by a collation.
  select
    domain collate "C", queue collate "C", job_type collate "C", from_status collate "C", to_status collate "C",
    date_trunc('minute', now(), 'UTC'), count(*), bucket, sum(milliseconds)
  from (
    select domain, queue, job_type, from_status, to_status, milliseconds,
      width_bucket(milliseconds - 1, array[
        100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 900000, 3600000, 21600000, 86400000
      ]::bigint[]) as bucket
    from (
      select domain, queue, job_type, from_status, to_status,
        case when seconds < 3155760000 then round(greatest(seconds, 0) * 1000)::bigint end as milliseconds
      from (
        select fresh.domain, fresh.queue, fresh.job_type, gone.status as from_status, fresh.status as to_status,
          case
            when fresh.status = 'processing' then
              date_part('epoch', case when fresh.acquired_at is distinct from gone.acquired_at then coalesce(fresh.acquired_at, now()) else now() end)
              - date_part('epoch', case
                when gone.status = 'processing' then gone.leased_until
                when gone.acquired_at is null then coalesce(gone.available_at, gone.created_at)
                else greatest(gone.available_at, gone.created_at, gone.updated_at)
              end)
            when gone.status = 'processing' then
              date_part('epoch', coalesce(
                case
                  when fresh.status in ('completed', 'failed') then fresh.completed_at
                  when fresh.status = 'cancelled' then fresh.cancelled_at
                  when fresh.status = 'quarantined' then fresh.quarantined_at
                end,
                now()
              ))
              - date_part('epoch', coalesce(gone.acquired_at, gone.started_at))
          end as seconds
        -- The plan of the first statement of a session is kept, which may change one row: a full join is never done by comparing each
        -- row with each. num_nulls keeps it one, since PostgreSQL makes a full join without its one-sided rows an inner join.
        from gone
        full join fresh on fresh.id = gone.id
        where num_nulls(gone.id, fresh.id) = 0
          and (
            gone.status is distinct from fresh.status
            or (
              coalesce(fresh.status, '') = 'processing'
              and (
                (coalesce(fresh.lease_id, '') <> '' and fresh.lease_id is distinct from gone.lease_id)
                or coalesce(fresh.acquired_at > coalesce(gone.acquired_at, '-infinity'), false)
              )
            )
          )
          and now() < (select until from jobsctl_history where tg_relid = any(tables))
      ) as moved
    ) as timed
  ) as placed
  group by 1, 2, 3, 4, 5, bucket;
  return null;
end
$$;

-- The functions run with the rights of their owner, since roles of other programs have no rights on these tables. A fixed
-- search_path keeps a caller from choosing other tables.
do $$
declare
  name text;
begin
  foreach name in array array['insert', 'update'] loop
    execute format('alter function jobsctl_history_%s() set search_path = %I, pg_temp', name, current_schema());
    execute format('revoke execute on function jobsctl_history_%s() from public', name); -- firing them takes no right
  end loop;
end
$$;

-- What operators say about a moment, such as a deployment.
create table if not exists jobsctl_marks (
  id bigint generated by default as identity primary key,
  text text not null,
  caller text not null,
  created_at timestamptz not null default now(),
  unique (created_at, id)
);

-- A database that this version has just made keeps its history. In one that was there before it begins when somebody turns it on,
-- since it costs each write. (0021 has why a database is new.)
insert into jobsctl_settings (name, value)
select 'history', 'on'
where not exists (select from jobsctl_migrations where name like '%.concurrent.sql')
  and to_regclass('jobs')::oid > to_regclass('jobsctl_migrations')::oid
  and to_regclass('job_events')::oid > to_regclass('jobsctl_migrations')::oid
  and not exists (select from jobs)
  and not exists (select from job_events)
on conflict do nothing;
