-- How many days the archive keeps the jobs of an operation: the term of the server that ran the operation. A table of its own,
-- since a server of an earlier version writes records without a term.
create table if not exists jobsctl_operation_terms (
  operation_id bigint primary key,
  archive_days integer not null
);

-- The servers on this database, with the settings that all of them must agree on.
create table if not exists jobsctl_servers (
  -- Host name and process id.
  name text primary key,
  settings jsonb not null,
  seen_at timestamptz not null default now()
);
