do $$
begin
  -- A role that does not own the table may not even ask to add a column that is there.
  if exists (
    select from pg_attribute
    where attrelid = to_regclass('jobsctl_detached') and attname = 'server' and not attisdropped
  ) then
    return;
  end if;
  -- Which server runs the change now: host name and process id, as in jobsctl_servers.
  alter table jobsctl_detached add column server text;
end
$$;
