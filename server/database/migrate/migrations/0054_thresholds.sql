do $$
begin
  -- Another session may hold a table for hours, and a session that waits for it keeps all others waiting: five tries, each as long as lock_timeout.
  for try in 1..5 loop
    begin
      -- A role that does not own the table may not even ask to add a column that is there: the newer version of the other program has both.
      if not exists (
        select from pg_attribute
        where attrelid = to_regclass('jobs') and attname = 'quarantine_threshold' and not attisdropped
      ) then
        -- After how many failures in a row with one error code the job is quarantined, 1 to 100; null for the threshold of its queue.
        alter table jobs add column quarantine_threshold integer;
      end if;
      if not exists (
        select from pg_attribute
        where attrelid = to_regclass('jobs_archive') and attname = 'quarantine_threshold' and not attisdropped
      ) then
        -- As in jobs.
        alter table jobs_archive add column quarantine_threshold integer;
      end if;
      return;
    exception
      -- Both or none: a job with a column that the archive lacks is not archived. Every call but an enqueue with a threshold works without, and
      -- each start tries again.
      when insufficient_privilege or wrong_object_type then
        raise notice 'a job has no threshold of its own: this role does not own jobs and jobs_archive';
        return;
      when lock_not_available then
        perform pg_sleep(0.2);
    end;
  end loop;
end
$$;

-- What is set for a queue, beside a stop.
create table if not exists jobsctl_queues (
  domain text not null,
  queue text not null,
  -- As in jobs, from 0 to 100: 0 quarantines no job of the queue; null for JOBS_QUARANTINE_THRESHOLD of the server.
  quarantine_threshold integer,
  updated_at timestamptz not null default now(),
  primary key (domain, queue)
);
