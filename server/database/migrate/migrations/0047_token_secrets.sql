do $$
begin
  -- A role that does not own the table may not even ask to add a column that is there.
  if exists (
    select from pg_attribute
    where attrelid = to_regclass('jobsctl_tokens') and attname = 'secrets_by' and not attisdropped
  ) then
    return;
  end if;
  -- A list: the callers that may know a secret of the token, since they made it, rotated it, or may know the secret of one that did. Null until it
  -- is rotated over HTTP: then it is the one of made_by. It is jobs-server after a rotation at
  -- the shell that ended the old secret at once.
  alter table jobsctl_tokens add column secrets_by jsonb;
end
$$;
