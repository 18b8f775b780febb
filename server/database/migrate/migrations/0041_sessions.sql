-- Sessions of browsers. The cookie of a session has a random secret, and the table its SHA-256 hash. A session is the caller that its key
-- or token is now: `proof` is an HMAC, under the secret of the session, of the hash of that key or token, so that nobody who reads
-- the table can tell what it was made from.
create table if not exists jobsctl_sessions (
  id_hash text primary key,
  caller text not null,
  proof text not null,
  address text,
  opened_at timestamptz not null default now(),
  -- The last call, up to a minute old.
  seen_at timestamptz not null default now(),
  unique (caller, id_hash)
);
