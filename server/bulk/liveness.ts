import type { Fragment, Pool, Sql } from '../database/sql.ts'
import type { Log } from '../log.ts'
import type { RunningChange } from './bulk-change.ts'
import { closeRecord } from './close-record.ts'

const everyMs = 2000

/**
 * Gives signs of life for a running operation, until what it returns is called: a search or a wait may take longer than
 * other servers have patience. While a batch runs, the lock on the record is sign enough.
 */
export function startHeartbeat({ sql, operation }: Pick<RunningChange, 'sql' | 'operation'>): () => void {
  const touch = () =>
    void sql`
      update job_operations set touched_at = clock_timestamp()
      where id = (select id from job_operations where id = ${operation}::bigint and state = 'running' for update skip locked)
    `.catch(() => {}) // the next batch will hear of it, too
  const timer = setInterval(touch, everyMs).unref()
  return () => clearInterval(timer)
}

/** After so long without a batch a change has no server any more: each touches its record at every batch. */
const silence = '10 seconds'

/**
 * True for a running operation whose server is gone, and so is not one of those that run here. While a batch runs its
 * record is locked: whoever asks passes over locked rows.
 */
export const isOrphaned = (sql: Sql, localOperations: ReadonlySet<number>): Fragment => sql`
  state = 'running' and touched_at < clock_timestamp() - ${silence}::text::interval
  and id <> all(${[...localOperations].map(String)}::bigint[])`

const why = 'its server died, or lost the database'

/** Ends what a server has left behind: its whole batches stand. */
export async function endOrphan(tx: Sql, { log }: { log: Log }, id: number): Promise<void> {
  const ended = await closeRecord(tx, id, { state: 'partial', error: why })
  if (ended)
    log.warn(`operation ${id} was left behind by its server; it is ${ended.state} now`, { affected: ended.affected })
}

interface Looking {
  sql: Pool
  log: Log
  localOperations: ReadonlySet<number>
}

/** Ends all that servers have left behind, each by itself: what cannot be ended must not keep the others. */
export async function endOrphans({ sql, log, localOperations }: Looking): Promise<void> {
  const left = await sql<{ id: number }[]>`
    select id from job_operations where ${isOrphaned(sql, localOperations)} order by id`
  for (const { id } of left) {
    const ending = sql.begin(async (tx) => {
      const [still] = await tx`
        select id from job_operations where id = ${id}::bigint and ${isOrphaned(tx, localOperations)} for update skip locked`
      if (still) await endOrphan(tx, { log }, id)
    })
    await ending.catch((error: unknown) => log.warn(`operation ${id} cannot be ended: ${error}`))
  }
}
