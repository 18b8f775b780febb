do $$
begin
  -- A role that does not own the table may not even ask to add a column that is there.
  if exists (
    select from pg_attribute
    where attrelid = to_regclass('jobsctl_plans') and attname = 'within' and not attisdropped
  ) then
    return;
  end if;
  -- The scope of its author, under which the plan is applied; null for a plan without one.
  alter table jobsctl_plans add column within jsonb;
end
$$;
