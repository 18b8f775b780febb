do $$
begin
  -- A role that does not own the table may not even ask to add a column that is there.
  if exists (
    select from pg_attribute
    where attrelid = to_regclass('jobsctl_tokens') and attname = 'may_edit' and not attisdropped
  ) then
    return;
  end if;
  -- An operator that may edit payloads.
  alter table jobsctl_tokens add column may_edit boolean not null default false;
end
$$;
