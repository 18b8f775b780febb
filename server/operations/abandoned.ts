import type { Fragment, Pool, Sql } from '../database/sql.ts'
import type { Log } from '../log.ts'
import { end } from './end.ts'

/** After so long without a batch a change has no server any more: each touches its record at every batch. */
const silence = '10 seconds'

/**
 * True for a running operation whose server is gone, and so is not one of those underway here. While a batch runs its
 * record is locked: whoever asks passes over locked rows.
 */
export const isAbandoned = (sql: Sql, underway: ReadonlySet<number>): Fragment => sql`
  state = 'running' and touched_at < clock_timestamp() - ${silence}::text::interval
  and id <> all(${[...underway].map(String)}::bigint[])`

const why = 'its server died, or lost the database'

/** Ends what a server has left behind: its whole batches stand. */
export async function abandon(tx: Sql, { log }: { log: Log }, id: number): Promise<void> {
  const ended = await end(tx, id, { state: 'partial', error: why })
  if (ended)
    log.warn(`operation ${id} was left behind by its server; it is ${ended.state} now`, { affected: ended.affected })
}

interface Looking {
  sql: Pool
  log: Log
  underway: ReadonlySet<number>
}

/** Ends all that servers have left behind, each by itself: what cannot be ended must not keep the others. */
export async function endAbandoned({ sql, log, underway }: Looking): Promise<void> {
  const left = await sql<{ id: number }[]>`
    select id from job_operations where ${isAbandoned(sql, underway)} order by id`
  for (const { id } of left) {
    const ending = sql.begin(async (tx) => {
      const [still] = await tx`
        select id from job_operations where id = ${id}::bigint and ${isAbandoned(tx, underway)} for update skip locked`
      if (still) await abandon(tx, { log }, id)
    })
    await ending.catch((error: unknown) => log.warn(`operation ${id} cannot be ended: ${error}`))
  }
}
