do $$
begin
  -- A role that does not own the table may not even ask to add a column that is there.
  if not exists (
    select from pg_attribute
    where attrelid = to_regclass('jobsctl_operation_terms') and attname = 'place' and not attisdropped
  ) then
    -- The table of another engine whose jobs the operation works on, with its schema; null for jobs of our own.
    alter table jobsctl_operation_terms add column place text;
    -- The domain that these jobs had then.
    alter table jobsctl_operation_terms add column place_domain text;
  end if;
  if not exists (
    select from pg_attribute
    where attrelid = to_regclass('jobsctl_holds') and attname = 'place' and not attisdropped
  ) then
    -- The table of another engine whose jobs the hold is over; null for jobs of our own, and for a hold over those of all tables.
    alter table jobsctl_holds add column place text;
  end if;
end
$$;
