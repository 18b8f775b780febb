-- Callers of single sign-on who have logged in in a browser, with the claims that gave them their role, and those who are blocked.
create table if not exists jobsctl_callers (
  id text primary key,
  -- Null for a caller who was blocked before any login.
  issuer text,
  subject text,
  name text not null,
  claims jsonb not null default '{}',
  seen_at timestamptz not null default now(),
  blocked_at timestamptz
);

-- Logins that have been sent to the provider and have not come back, for ten minutes. The cookie of the browser has a random secret, and
-- the table its SHA-256 hash.
create table if not exists jobsctl_logins (
  id_hash text primary key,
  state text not null,
  nonce text not null,
  verifier text not null,
  begun_at timestamptz not null default now()
);
