select
  id,
  coalesce(
    (
      select jsonb_build_object('caller', caller, 'reason', reason)
      from jobsctl_stops
      where operation_id = job_operations.id
    ),
    (
      select jsonb_build_object('revoked', id)
      from jobs_api_tokens
      where id = job_operations.caller and revoked_at is not null
    ),
    (
      select jsonb_build_object('suspended', id)
      from jobsctl_tokens
      where id = job_operations.caller and suspended_at is not null
    ),
    (
      select jsonb_build_object('limited', id)
      from jobsctl_tokens
      where
        id = job_operations.caller
        and scope is distinct from job_operations.filters -> 'within'
        -- A plan is applied under the scope of its author, also by a caller without one.
        and not (scope is null and job_operations.filters ?| array['approval', 'proposal'])
    ),
    (
      select jsonb_build_object('demoted', id)
      from jobsctl_tokens
      where
        id = job_operations.caller
        and (
          role <> all(
            case when job_operations.kind = 'erase' or job_operations.filters ? 'policy' then array['admin', 'legacy-admin'] when job_operations.kind = 'edit' and not coalesce(may_edit, false) then array['admin']
            -- A worker cancels one job, and its dependents with it.
            when job_operations.kind = 'cancel' then array['worker', 'operator', 'admin', 'legacy-admin'] else array['operator', 'admin', 'legacy-admin'] end
          )
          or (job_operations.filters ? 'emergency' and not coalesce(may_break_glass, false))
        )
    ),
    (
      select jsonb_build_object('blocked', id)
      from jobsctl_callers
      where id = job_operations.caller and blocked_at is not null
    )
  ) as stop,
  set_config('idle_in_transaction_session_timeout', '10s', true),
  set_config('lock_timeout', $1, true)
from job_operations
where id = $2::bigint and state = 'running'
for update
