import type { Requested, ServerContext } from '../../call.ts'
import { isLocked } from '../../database/errors/failure.ts'
import { retryDeadlock } from '../../database/errors/retry-deadlock.ts'
import type { Sql } from '../../database/sql.ts'
import { insertEvents } from '../events/job-events.ts'
import { cascadeOfFew, droppedEvents, failedEnds } from './dependents.ts'
import { leftToBackground } from './left-dependents.ts'

/**
 * How long a row lock of another transaction is waited for, in milliseconds. A server ends a job within a few milliseconds;
 * a longer lock belongs to another program, and other programs do not cancel dependents.
 */
const lockTimeoutMs = 500

/**
 * Cancels jobs that were enqueued while a job that they depend on was ending badly: neither transaction could see the rows
 * of the other one.
 * @param needs uuids of the jobs that newly committed jobs depend on
 * @returns the uuids of the cancelled jobs; none when a row stayed locked for longer than 500 ms
 */
export async function cancelLateDependents(
  { sql, requestId }: Pick<ServerContext, 'sql'> & Pick<Requested, 'requestId'>,
  needs: readonly string[],
): Promise<string[]> {
  return retryDeadlock(() => sql.begin((tx) => cancelDependents(tx, requestId, needs))).catch((error: unknown) => {
    if (isLocked(error)) return []
    throw error
  })
}

async function cancelDependents(tx: Sql, requestId: string, needs: readonly string[]): Promise<string[]> {
  await tx`select set_config('lock_timeout', ${`${lockTimeoutMs}ms`}, true)`
  const [{ cancelled }] = await tx<[{ cancelled: string[] }]>`
    with recursive
    -- The shared lock waits for a transaction that is ending one of these jobs.
    needed as materialized (
      select uuid, status from jobs where uuid = any(${needs}::text[]) order by id for share
    ),
    ended as materialized (select uuid, status from needed where status in ${failedEnds(tx)}),
    ${cascadeOfFew(tx)},
    ${leftToBackground(tx, { requestId })},
    inserted_events as (${insertEvents(tx, { requestId }, droppedEvents(tx))})
    select coalesce(jsonb_agg(uuid), '[]') as cancelled from dropped`
  return cancelled
}
