import { rolesThatMay } from '../../auth/standing.ts'
import { type Fragment, type Sql, staticFragment } from '../../database/sql.ts'

/** Somebody asked the operation to stop, or revoked or suspended the token of its caller, or gave it another scope or role. Its batches that were committed stand. */
export class StopRequested extends Error {
  /** @param why who asked, and the reason, as a clause */
  constructor(readonly why: string) {
    super(why)
  }
}

/** A request to stop an operation, or the token of its caller, which was revoked, suspended, or has another scope or fewer rights by now. */
export type StopRequest =
  | { caller: string; reason: string | null }
  | { revoked: string }
  | { suspended: string }
  | { limited: string }
  | { demoted: string }
  | { blocked: string }

/**
 * An SQL expression over a row of `job_operations`: why it must stop as JSON, null where it goes on. A token that ends by its term
 * stops nothing: the change was made while the token was good.
 */
export const stopRequest = staticFragment(
  (sql): Fragment => sql`coalesce(
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
      where id = job_operations.caller
        and scope is distinct from job_operations.filters -> 'within'
        -- A plan is applied under the scope of its author, also by a caller without one.
        and not (scope is null and job_operations.filters ?| array['approval', 'proposal'])
    ),
    (
      select jsonb_build_object('demoted', id)
      from jobsctl_tokens
      where id = job_operations.caller
        and (
          role <> all(case
            when job_operations.kind = 'erase' or job_operations.filters ? 'policy' then ${rolesThatMay(sql, 'govern')}
            when job_operations.kind = 'edit' and not coalesce(may_edit, false) then ${rolesThatMay(sql, 'edit')}
            -- A worker cancels one job, and its dependents with it.
            when job_operations.kind = 'cancel' then ${rolesThatMay(sql, 'change', 'single')}
            else ${rolesThatMay(sql, 'change')}
          end)
          or (job_operations.filters ? 'emergency' and not coalesce(may_break_glass, false))
        )
    ),
    (
      select jsonb_build_object('blocked', id)
      from jobsctl_callers
      where id = job_operations.caller and blocked_at is not null
    )
  )`,
)

/** The clause that says who stopped an operation, and why. */
export const stopClause = (stop: StopRequest): string => {
  if ('revoked' in stop) return `the token of its caller (${stop.revoked}) was revoked`
  if ('suspended' in stop) return `the token of its caller (${stop.suspended}) was suspended`
  if ('limited' in stop) return `the scope of the token of its caller (${stop.limited}) has changed`
  if ('demoted' in stop) return `the token of its caller (${stop.demoted}) has lost the right to it`
  if ('blocked' in stop) return `its caller (${stop.blocked}) was blocked`
  const { caller, reason } = stop
  return `${caller} stopped it${reason === null ? '' : ` (${JSON.stringify(reason)})`}`
}

/** Deletes the request to stop an operation that has ended. */
export const deleteStopRequest = (sql: Sql, id: number) => sql`
  delete from jobsctl_stops where operation_id = ${id}::bigint`
