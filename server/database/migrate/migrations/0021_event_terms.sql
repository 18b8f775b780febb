-- How far events have been deleted because their term was over: the highest such id of each group, by which a reader is told
-- that it has missed some. A name that no reader can ask for (null, or more than 128 characters) is the empty text.
create table if not exists jobsctl_expired_events (
  domain text collate "C" not null,
  queue text collate "C" not null,
  job_type text collate "C" not null,
  last_id bigint not null,
  primary key (domain, queue, job_type)
) with (fillfactor = 50);

-- A database that this version has just made has terms. In one that was there before, whatever program has made it, somebody
-- may count on events that are years old: it has none until they are set. No index is there yet in a database that is being
-- made, and no table of jobs is older than the table of the migrations.
insert into jobsctl_settings (name, value)
select name, days
from (values ('events_days', '30'), ('audit_days', '400')) as term (name, days)
where not exists (select from jobsctl_migrations where name like '%.concurrent.sql')
  and to_regclass('jobs')::oid > to_regclass('jobsctl_migrations')::oid
  and to_regclass('job_events')::oid > to_regclass('jobsctl_migrations')::oid
  and not exists (select from jobs)
  and not exists (select from job_events)
on conflict do nothing;
