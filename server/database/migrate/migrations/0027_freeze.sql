-- A freeze refuses changes of many jobs on servers of earlier versions, too, which do not look for one: such a change begins with
-- a row of job_operations, and each of its batches adds to `affected`. They report a read-only database, which is what it is.
-- Servers of this version look themselves, so that a role which does not own the table goes on without the triggers.
do $$
begin
  create or replace function jobsctl_refuse_frozen() returns trigger language plpgsql as $body$
  begin
    -- Two statements: the second one sees a freeze for which the first has waited.
    perform pg_catalog.pg_advisory_xact_lock_shared(pg_catalog.hashtextextended('jobsctl freeze', 0::bigint));
    if exists (select from jobsctl_settings where name = 'freeze') then
      raise exception using errcode = '25006', message = 'the database is frozen: jobs-server thaw ends it';
    end if;
    return new;
  end
  $body$;
  execute format('alter function jobsctl_refuse_frozen() set search_path = %I, pg_temp', current_schema());
  drop trigger if exists jobsctl_frozen_begin on job_operations;
  execute 'create trigger jobsctl_frozen_begin before insert on job_operations
    for each row execute function jobsctl_refuse_frozen()';
  drop trigger if exists jobsctl_frozen_batch on job_operations;
  execute 'create trigger jobsctl_frozen_batch before update on job_operations
    for each row when (new.affected <> old.affected) execute function jobsctl_refuse_frozen()';
exception when insufficient_privilege then
  raise notice 'servers of earlier versions know no freeze: this role does not own job_operations';
end
$$;
