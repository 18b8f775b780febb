import type { Fragment, Sql } from '../database/sql.ts'
import { staticFragment } from '../database/static-fragment.ts'

/** Somebody asked the operation to stop. Its batches that were committed stand. */
export class StopRequested extends Error {
  /** @param why who asked, and the reason, as a clause */
  constructor(readonly why: string) {
    super(why)
  }
}

/** A request to stop an operation. */
export interface StopRequest {
  caller: string
  reason: string | null
}

/** An SQL expression over a row of `job_operations`: the request to stop it as JSON, null without one. */
export const stopRequest = staticFragment(
  (sql): Fragment => sql`(
    select jsonb_build_object('caller', caller, 'reason', reason)
    from jobsctl_stops
    where operation_id = job_operations.id
  )`,
)

/** The clause that says who stopped an operation, and why. */
export const stopClause = ({ caller, reason }: StopRequest): string =>
  `${caller} stopped it${reason === null ? '' : ` (${JSON.stringify(reason)})`}`

/** Deletes the request to stop an operation that has ended. */
export const deleteStopRequest = (sql: Sql, id: number) => sql`
  delete from jobsctl_stops where operation_id = ${id}::bigint`
