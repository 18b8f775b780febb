do $$
begin
  -- A role that does not own the table may not even ask to add a column that is there.
  if exists (
    select from pg_attribute
    where attrelid = to_regclass('jobsctl_tokens') and attname = 'scope' and not attisdropped
  ) then
    return;
  end if;
  -- What a token with a role is limited to: domains, queues and job types as JSON; null limits nothing. A server of version 0.1.0
  -- refuses every token with a role.
  alter table jobsctl_tokens add column scope jsonb;
end
$$;
