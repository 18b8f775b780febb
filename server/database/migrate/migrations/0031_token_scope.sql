-- What a token with a role is limited to: domains, queues and job types as JSON; null limits nothing. A server of version 0.1.0 refuses
-- every token with a role.
alter table jobsctl_tokens add column if not exists scope jsonb;
