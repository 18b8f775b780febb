do $$
begin
  -- A role that does not own the table may not even ask to add a column that is there.
  if exists (
    select from pg_attribute
    where attrelid = to_regclass('jobsctl_servers') and attname = 'address' and not attisdropped
  ) then
    return;
  end if;
  -- The URL of the server, as well as it knows; null for one of an earlier version.
  alter table jobsctl_servers add column address text;
end
$$;
