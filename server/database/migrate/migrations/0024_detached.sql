-- Changes that go on without their callers, until they have ended: the request, which another server needs to go on with it, and
-- the hold of the server that runs it. Each server that takes a change over sets another hold; null means that none runs it.
create table if not exists jobsctl_detached (
  operation_id bigint primary key,
  request text not null,
  hold uuid,
  attempts integer not null default 0,
  affected_before bigint not null default 0,
  problem text,
  detached_at timestamptz not null default now()
);
