-- Second seals of records, by a newer formula than the hash in job_operations. A table of its own, since a server of an earlier
-- version seals records without a second seal, and verifies the hash alone.
create table if not exists jobsctl_seals (
  operation_id bigint primary key,
  -- The version of the formula of this seal.
  version integer not null,
  hash text not null
);
