-- What a token with a role may do, whom it is for, and the hash of its secret. Servers of version 0.1.0 know only jobs_api_tokens,
-- where a token has all rights: a token with a row here has no hash there, so that those servers refuse it. A token of
-- jobs_api_tokens without a row here is from before there were roles. A secret that was rotated is taken until previous_until.
create table if not exists jobsctl_tokens (
  id text primary key,
  role text not null,
  principal text not null,
  made_by text,
  secret_hash text not null,
  previous_hash text,
  previous_until timestamptz,
  may_enqueue boolean not null default false,
  suspended_at timestamptz,
  last_used_from text
);
