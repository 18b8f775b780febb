-- Edges of jobs that an undo gives back before their other end, where edges have foreign keys: they wait for that end.
create table if not exists jobsctl_waiting_edges (
  -- Of the end that is not there.
  uuid text not null,
  edge jsonb not null,
  since timestamptz not null default now(),
  primary key (uuid, edge)
);
