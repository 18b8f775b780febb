import { Failure } from '../../../shared/errors.ts'
import type { Fragment, Sql } from '../../database/sql.ts'

/** An operation, as the server that runs it knows it. */
export interface Claim {
  operation: number
  /** The key of this server to a change that goes on without its caller. Another server that takes the change over has another. */
  hold?: string | undefined
}

/** A change that goes on without its caller, and that this server has claimed. */
export interface Claimed extends Claim {
  hold: string
}

/** Another server has taken the change over, or has closed its record. This server changes nothing any more. */
export class TakenOver extends Error {}

/** The failure of a step of a change whose record another server has closed: the step has changed nothing. */
export const closedByAnother = (): Failure =>
  new Failure('conflict', 'another server marked this operation as orphaned and closed it; nothing was changed')

/**
 * `from job_operations … where …`: the record while the operation runs, and while this server has its hold. With `for update` both rows
 * are locked and compared as they are then, so that of two servers only one goes on.
 */
export const runningRecord = (sql: Sql, { operation, hold }: Claim): Fragment =>
  hold === undefined
    ? sql`from job_operations where id = ${operation}::bigint and state = 'running'`
    : sql`
      from job_operations
      join jobsctl_detached on operation_id = id
      where id = ${operation}::bigint and state = 'running' and hold = ${hold}::uuid`

/**
 * Gives an operation back, so that another server goes on with it.
 * @param problem why this server does not go on, as a clause
 */
export const giveBack = (sql: Sql, { operation, hold }: Claim, problem: string) => sql`
  update jobsctl_detached
  set hold = null, server = null, problem = ${problem}::text
  where operation_id = ${operation}::bigint and hold = ${hold ?? null}::uuid`
