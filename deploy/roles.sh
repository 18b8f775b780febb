#!/bin/sh
# Makes the owner of the tables and the role of the server in a new database; compose.yaml has PostgreSQL run it once. psql reads the
# passwords by itself, so that they stand in no list of arguments.
set -eu
psql -v ON_ERROR_STOP=1 --no-psqlrc --quiet --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\set owner_password `cat /run/secrets/owner-password`
\set app_password `cat /run/secrets/app-password`
create role jobs_owner login password :'owner_password';
create role jobs_app login password :'app_password';
revoke all on schema public from public;
select format('alter database %I owner to jobs_owner', current_database()) \gexec
SQL
