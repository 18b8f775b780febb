import type { Call } from '../call.ts'
import { isLocked } from '../database/failure.ts'
import { retryDeadlock } from '../database/retry-deadlock.ts'
import type { Sql } from '../database/sql.ts'
import { cascade, droppedEvents, failedEnds } from './dependents.ts'
import { insertEvents } from './job-events.ts'

/** A server ends a job in a moment; who holds one for longer is another program, which tells no dependents anyway. */
const patienceMs = 500

/**
 * Cancels jobs that were taken in while what they need was being ended: whoever ended it could not see them, and they
 * could not see its end.
 * @param needs uuids of what jobs need that have just been committed
 * @returns the uuids of those that it has cancelled
 */
export async function cancelLateDependents(call: Call, needs: readonly string[]): Promise<string[]> {
  return retryDeadlock(() => call.sql.begin((tx) => drop(tx, call, needs))).catch((error: unknown) => {
    if (isLocked(error)) return []
    throw error
  })
}

async function drop(tx: Sql, call: Call, needs: readonly string[]): Promise<string[]> {
  await tx`select set_config('lock_timeout', ${`${patienceMs}ms`}, true)`
  const [{ dropped }] = await tx<[{ dropped: string[] }]>`
    with recursive
    -- Shared, and so after whoever is at it.
    needed as materialized (
      select uuid, status from jobs where uuid = any(${needs}::text[]) order by id for share
    ),
    ended as materialized (select uuid, status from needed where status in ${failedEnds(tx)}),
    ${cascade(tx)},
    told as (${insertEvents(tx, call, droppedEvents(tx))})
    select coalesce(jsonb_agg(uuid), '[]') as dropped from doomed`
  return dropped
}
