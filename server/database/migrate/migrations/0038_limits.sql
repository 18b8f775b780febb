do $$
begin
  -- A role that does not own the table may not even ask to add a column that is there.
  if not exists (
    select from pg_attribute
    where attrelid = to_regclass('jobsctl_tokens') and attname = 'max_per_change' and not attisdropped
  ) then
    -- The most jobs that one change of many jobs of the token may touch, and those that all tokens of its principal may have changed in
    -- 24 hours when it begins another one; null limits nothing.
    alter table jobsctl_tokens add column max_per_change bigint, add column max_per_day bigint;
  end if;
  if not exists (
    select from pg_attribute
    where attrelid = to_regclass('jobsctl_operation_terms') and attname = 'principal' and not attisdropped
  ) then
    -- For whom an operation was made, and what it was counted with at its begin where its caller has a limit: jobs, and the jobs that
    -- depend on them and go along.
    alter table jobsctl_operation_terms add column principal text, add column jobs bigint, add column dependents bigint;
  end if;
end
$$;
