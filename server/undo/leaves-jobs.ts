import type { JobId } from '../../shared/work/job-key.ts'
import type { LeavesJobs } from '../bulk/change/bulk-change.ts'
import type { Sql, Transaction } from '../database/sql.ts'
import { limitReadTime } from '../database/timeouts.ts'
import { clientOfOperation } from './engine/place-of-operation.ts'
import { leftOf } from './way-back.ts'

/** As `LeavesJobs` describes it. */
export const leavesJobs: LeavesJobs = async (tx, operation) =>
  leavesOthers(await clientOfOperation(tx, operation), operation, [])

/**
 * The same for jobs other than `rejected`, which the database did not restore in this undo.
 * @param rejected ids of jobs
 */
export const leavesOthers = (tx: Transaction, operation: number, rejected: readonly JobId[]): Promise<boolean> =>
  tx.savepoint((point) => readLeaves(point, operation, rejected)).catch(() => true)

async function readLeaves(tx: Sql, operation: number, rejected: readonly JobId[]): Promise<boolean> {
  const [record] = await tx<{ kind: string; limit: string }[]>`
    select kind, current_setting('statement_timeout') as limit from job_operations
    where id = ${operation}::bigint and state <> 'running'`
  if (!record) return true
  await tx`select ${limitReadTime(tx)}`
  const left = leftOf({ id: operation, kind: record.kind }, {})
  const set = { asOf: undefined, snapshot: undefined, excluded: rejected }
  const [{ leaves }] = await tx<[{ leaves: boolean }]>`select exists (select ${left(tx, set)}) as leaves`
  // The statements that close the record have the limit of the session.
  await tx`select set_config('statement_timeout', ${record.limit}, true)`
  return leaves
}
