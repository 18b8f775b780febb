-- A partition that is attached and detached again leaves no trace in the catalog, and the jobs that were written through `jobs` meanwhile are in the
-- counts. A statement that ends while there are more partitions than servers know appends a row without a span, which ends the trust. One such row is
-- enough: servers that may not make triggers of the new partition know no more partitions until the trust is over. A transaction of the level REPEATABLE
-- READ that began before the attachment does not see it, and appends no row.
create or replace function jobsctl_count_attached() returns trigger language plpgsql security definer as $$
begin
  insert into jobsctl_count_deltas (span)
  select null
  from jobsctl_counting
  where case
    when tg_relid = any(tables) and now() < until
      and cardinality(tables) <= (select count(*) from pg_catalog.pg_inherits where inhparent = any(tables))
    then not exists (select from jobsctl_count_deltas where span is null)
  end;
  return null;
end
$$;

-- As the other functions of the counts (0065_counted_partitions.sql).
do $$
begin
  execute format('alter function jobsctl_count_attached() set search_path = %I, pg_temp', current_schema());
  alter function jobsctl_count_attached() set plan_cache_mode = force_generic_plan;
  alter function jobsctl_count_attached() set jit = off;
  revoke execute on function jobsctl_count_attached() from public;
end
$$;
