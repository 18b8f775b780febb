-- What servers exclude each other by, a row a lock. Advisory locks alone would let every role of the database keep servers from their work.
create table if not exists jobsctl_locks (
  name text primary key
);

insert into jobsctl_locks (name)
values ('migrations'), ('counts'), ('operations'), ('edges'), ('chain'), ('events'), ('history'), ('freeze')
on conflict (name) do nothing;

-- As in 0027, but for a transaction of a server that holds the lock of freezes already, perhaps by its row alone. Servers up to 0.2.0 hold
-- nothing here that this version does not, and take the advisory lock.
do $$
begin
  create or replace function jobsctl_refuse_frozen() returns trigger language plpgsql as $body$
  begin
    if current_setting('jobsctl.freeze_held', true) = 'on' then
      return new;
    end if;
    -- Two statements: the second one sees a freeze for which the first has waited.
    perform pg_catalog.pg_advisory_xact_lock_shared(pg_catalog.hashtextextended('jobsctl freeze', 0::bigint));
    if exists (select from jobsctl_settings where name = 'freeze') then
      raise exception using errcode = '25006', message = 'the database is frozen: jobs-server thaw ends it';
    end if;
    return new;
  end
  $body$;
  execute format('alter function jobsctl_refuse_frozen() set search_path = %I, pg_temp', current_schema());
exception when insufficient_privilege then
  raise notice 'a role that holds the lock of freezes keeps servers from changes: this role does not own jobsctl_refuse_frozen()';
end
$$;
