import type { StaleQueue } from '../../../shared/queues/stale.ts'
import type { Scope } from '../../../shared/scope.ts'
import type { Listing } from '../../call.ts'
import type { Within } from '../../database/scope.ts'
import type { Sql } from '../../database/sql.ts'
import { limitReadTime } from '../../database/timeouts.ts'
import { expiredLeases, mostExpired } from '../expired-leases.ts'

/**
 * The queues that hold expired leases within the scope of the caller, with the headers `X-Scanned` and `X-Complete`: `false` where there are more expired
 * leases than are read, so that counts are too low.
 */
export async function staleQueues(call: Listing, scope: Scope): Promise<StaleQueue[]> {
  const rows = await call.sql.begin(async (tx) => {
    await tx`select ${limitReadTime(tx)}`
    return readStale(tx, { ...scope, within: call.within })
  })
  const scanned = rows[0]?.scanned ?? 0
  const isComplete = scanned <= mostExpired
  call.addHeader('X-Scanned', String(Math.min(scanned, mostExpired)))
  call.addHeader('X-Complete', String(isComplete))
  return rows
    .filter((row): row is StaleQueue & StaleRow => row.domain !== null)
    .map((row) => (isComplete ? row : { ...row, at_least: true }))
}

export interface StaleRow {
  scanned: number
  domain: string | null
}

/** The queues of a scope with expired leases: one row for each, or one row without a queue where no lease in scope has expired. */
export const readStale = (sql: Sql, scope: Within<Scope>) => sql<(StaleRow & Omit<StaleQueue, 'domain'>)[]>`
  with expired as materialized (${expiredLeases(sql, scope)})
  select bound.scanned, found.domain, found.queue, found.count, found.oldest
  from (select count(*) as scanned from expired) as bound
  left join lateral (
    select domain, queue, count(*) as count, min(leased_until) filter (where isfinite(leased_until)) as oldest
    from expired
    group by domain, queue
  ) as found on true
  order by found.domain collate "C", found.queue collate "C"`
