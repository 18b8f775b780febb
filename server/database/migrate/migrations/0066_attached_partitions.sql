-- A partition that is attached and detached again leaves no trace in the catalog, and the jobs that were written through `jobs` meanwhile are in the
-- counts. So a statement that ends while there are more partitions than servers know says that the counts are not to be trusted.
create or replace function jobsctl_count_attached() returns trigger language plpgsql security definer as $$
begin
  insert into jobsctl_count_deltas (span)
  select null
  from jobsctl_counting
  where tg_relid = any(tables) and now() < until
    and cardinality(tables) <= (select count(*) from pg_catalog.pg_inherits where inhparent = any(tables));
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
