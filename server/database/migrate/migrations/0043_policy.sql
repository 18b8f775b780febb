-- The rules of the policy that is applied, each with its next time and its last run. Who applied it stands in jobsctl_settings.
create table if not exists jobsctl_policy_rules (
  name text primary key,
  position int not null,
  -- The rule as JSON, as text: a later version may write what this one does not know.
  rule text not null,
  next_at timestamptz not null,
  -- The last run: the time for which it is, its state, and until when no other server takes it over while it has no operation.
  due_at timestamptz,
  state text,
  began_at timestamptz,
  ended_at timestamptz,
  held_until timestamptz,
  -- Servers in a row that took this run and died before it had an operation.
  attempts int not null default 0,
  operation_id bigint,
  matched bigint,
  complete boolean not null default true,
  affected bigint not null default 0,
  missed int not null default 0,
  problem text
);
