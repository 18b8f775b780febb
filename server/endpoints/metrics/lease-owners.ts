import { preferIndexOrder } from '../../database/planner-hints.ts'
import type { Pool } from '../../database/sql.ts'
import { limitScrapeTime, unlessOverdue } from '../../database/timeouts.ts'
import { type LeaseOwner, readLeaseOwners } from './readings.ts'

const keptMs = 60_000
/** A scrape waits for a look where the last one is older, since these workers may be gone. */
const tooOldMs = 5 * keptMs

/** The workers that hold leases, which are looked for once a minute: that reads more of the table than the rest of a scrape. */
export interface LeaseOwners {
  /**
   * Those of the last look; undefined where it took too long, such as without an index. A look that is due is made meanwhile. Rejects where
   * a look fails otherwise and the last one is five minutes old.
   */
  read: () => Promise<readonly LeaseOwner[] | undefined>
}

export function createLeaseOwners(sql: Pool): LeaseOwners {
  let last: { owners: readonly LeaseOwner[] | undefined; at: number } | undefined
  let looking: Promise<void> | undefined
  const look = async () => {
    const owners = await lookUp(sql)
    last = { owners, at: performance.now() }
  }
  return {
    async read() {
      const age = last ? performance.now() - last.at : Number.POSITIVE_INFINITY
      if (age > keptMs) {
        looking ??= look().finally(() => {
          looking = undefined
        })
        looking.catch(() => {}) // the next scrape looks again
        if (age > tooOldMs) await looking
      }
      return last?.owners
    },
  }
}

const lookUp = (sql: Pool): Promise<readonly LeaseOwner[] | undefined> =>
  sql
    .begin('read only', async (tx) => {
      // Without the hint it would read all leases, and sort them.
      await tx`select ${limitScrapeTime(tx)}, ${preferIndexOrder(tx)}`
      return [...(await readLeaseOwners(tx))]
    })
    .catch(unlessOverdue)
