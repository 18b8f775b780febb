-- The places of registered readers of the event log. An event that one of them has not read stays for 7 days beyond its term.
create table if not exists jobsctl_event_cursors (
  name text primary key,
  after_id bigint not null,
  caller text not null,
  moved_at timestamptz not null default now()
);
