-- The functions of the triggers of history (0034_history.sql). Most statements of workers change few jobs: one, or those of the calls of a
-- moment, which share a statement. Up to 8 are appended by a statement of their own, without a join by hash and without groups: setting
-- up the other one takes PostgreSQL longer than comparing 8 rows with each of 8.
create or replace function jobsctl_history_insert() returns trigger language plpgsql security definer as $$
begin
  insert into jobsctl_transitions (domain, queue, job_type, from_status, to_status, minute, jobs)
  -- These columns alone: other programs may have given theirs any name.
  select domain, queue, job_type, '', status, date_trunc('minute', now(), 'UTC'), 1
  from fresh
  where not exists (select from fresh offset 8)
    and now() < (select until from jobsctl_history where tg_relid = any(tables));
  if found then
    return null;
  end if;
  if not exists (select from fresh offset 8) then
    return null;
  end if;
  insert into jobsctl_transitions (domain, queue, job_type, from_status, to_status, minute, jobs)
  select
    domain collate "C", queue collate "C", job_type collate "C", '', status collate "C", date_trunc('minute', now(), 'UTC'), count(*)
  from fresh
  where now() < (select until from jobsctl_history where tg_relid = any(tables))
  group by 1, 2, 3, 5;
  return null;
end
$$;

do $do$
declare
  -- What is a transition, beside a row that was made: another status, or a new lease.
  transition text := $sql$(
      gone.status is distinct from fresh.status
      or fresh.status = 'processing' and (
        fresh.lease_id <> '' and fresh.lease_id is distinct from gone.lease_id
        or fresh.acquired_at > coalesce(gone.acquired_at, '-infinity')
      )
    )$sql$;
  -- A wait begins when the job is due. A job that has been leased before waits from its last change on, at the earliest; one whose lease
  -- ran out, from the end of the lease on. An infinite time, or one of more than a hundred years, is not known. PostgreSQL computes an
  -- expression as often as a statement names it, so this one names each part once, and `offset 0` keeps the subquery that has it.
  milliseconds text := $sql$round(nullif(least(greatest(
        case
          when fresh.status = 'processing' then
            date_part('epoch', case when fresh.acquired_at is distinct from gone.acquired_at then coalesce(fresh.acquired_at, now()) else now() end)
            - date_part('epoch', case
              when gone.status = 'processing' then coalesce(gone.leased_until, '-infinity')
              when gone.acquired_at is null then coalesce(gone.available_at, gone.created_at, '-infinity')
              else greatest(gone.available_at, gone.created_at, gone.updated_at, '-infinity')
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
            - date_part('epoch', coalesce(gone.acquired_at, gone.started_at, '-infinity'))
          else 'infinity'
        end, 0), 3155760000), 3155760000) * 1000)::bigint$sql$;
  -- The bounds of the buckets, 0.1 s to a day, never change.
  bucket text := $sql$width_bucket(milliseconds - 1, array[
    100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 900000, 3600000, 21600000, 86400000
  ]::bigint[])$sql$;
begin
  execute format($sql$
create or replace function jobsctl_history_update() returns trigger language plpgsql security definer as $$
begin
  insert into jobsctl_transitions (domain, queue, job_type, from_status, to_status, minute, jobs, bucket, milliseconds)
  select domain, queue, job_type, from_status, to_status, date_trunc('minute', now(), 'UTC'), 1, %3$s, milliseconds
  from (
    select fresh.domain, fresh.queue, fresh.job_type, gone.status as from_status, fresh.status as to_status, %2$s as milliseconds
    from gone
    cross join fresh
    where not exists (select from fresh offset 8)
      -- An equality would be planned as a hash join.
      and gone.id is not null and gone.id is not distinct from fresh.id
      and %1$s
      and now() < (select until from jobsctl_history where tg_relid = any(tables))
    offset 0
  ) as moved;
  if found then
    return null;
  end if;
  if not exists (select from fresh offset 8) then
    return null;
  end if;
  insert into jobsctl_transitions (domain, queue, job_type, from_status, to_status, minute, jobs, bucket, milliseconds)
  -- Names are compared by their bytes, which is quicker than by a collation.
  select
    domain collate "C", queue collate "C", job_type collate "C", from_status collate "C", to_status collate "C",
    date_trunc('minute', now(), 'UTC'), count(*), %3$s, sum(milliseconds)
  from (
    select fresh.domain, fresh.queue, fresh.job_type, gone.status as from_status, fresh.status as to_status, %2$s as milliseconds
    -- The plan of the first statement of a session is kept, which may change two rows: a full join is never done by comparing each
    -- row with each. num_nulls keeps it one, since PostgreSQL makes a full join without its one-sided rows an inner join.
    from gone
    full join fresh on fresh.id = gone.id
    where num_nulls(gone.id, fresh.id) = 0
      and %1$s
      and now() < (select until from jobsctl_history where tg_relid = any(tables))
  ) as moved
  group by 1, 2, 3, 4, 5, 8;
  return null;
end
$$;
$sql$, transition, milliseconds, bucket);
end
$do$;

-- These functions and those of the counts (0049_groups.sql) run with the rights of their owner, since roles of other programs have no rights
-- on these tables. A fixed search_path keeps a caller from choosing other tables. PostgreSQL plans a kept statement anew after an ANALYZE of
-- `jobs`. If the next statement is large, the new plan looks dear, and PostgreSQL would then plan each later small statement anew, which takes
-- longer than the statement itself, so that plans are kept. JIT is off, since a plan that is made in a large statement would be compiled again
-- in each small one.
do $$
declare
  called regprocedure;
begin
  for called in
    select to_regprocedure(format('jobsctl_%s()', name))
    from unnest(array['history_insert', 'history_update', 'count_insert', 'count_update']) as name
  loop
    continue when called is null;
    execute format(
      'alter function %s set search_path = %I, pg_temp set plan_cache_mode = force_generic_plan set jit = off', called, current_schema()
    );
    execute format('revoke execute on function %s from public', called); -- firing them takes no right
  end loop;
end
$$;
