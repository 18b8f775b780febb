import type { ChangeServer } from '../../call.ts'
import type { Fragment, Pool, Sql, Transaction } from '../../database/sql.ts'
import type { LeavesJobs } from '../change/bulk-change.ts'
import { type Claim, runningRecord } from '../change/claim.ts'
import { closeRecord } from './close-record.ts'

const heartbeatMs = 2000

/**
 * Shows other servers that this one runs the operation, until the returned function is called, and keeps this server from taking it
 * for an orphan.
 */
export function startHeartbeat({
  operation,
  hold,
  workerSql: sql,
  localOperations,
}: Claim & Pick<ChangeServer, 'workerSql' | 'localOperations'>): () => void {
  localOperations.add(operation)
  const stopHeartbeat = repeatHeartbeat({ sql, operation, hold })
  return () => {
    stopHeartbeat()
    localOperations.delete(operation)
  }
}

/**
 * Updates the record of a running operation every 2 seconds until the returned function is called. A search or a pause between two batches
 * may take longer than the silence after which other servers take the operation for an orphan. While a batch runs, the lock on the record
 * is enough.
 */
function repeatHeartbeat({ sql, ...held }: { sql: Pool } & Claim): () => void {
  const touch = () =>
    void sql`
      update job_operations set touched_at = clock_timestamp()
      where id = (select id ${runningRecord(sql, held)} for update skip locked)
    `.catch(() => {}) // The next batch meets the same error and reports it.
  const timer = setInterval(touch, heartbeatMs).unref()
  return () => clearInterval(timer)
}

/** A record that nobody touched for this many seconds belongs to a server that is gone. */
export const orphanedAfterSeconds = 10

/**
 * True for the record of a running operation whose server is gone, and which does not run on this server. An operation that goes
 * on without its caller is left to the server that takes it over. The statement must pass over locked records
 * (`for update skip locked`), since a batch locks its record.
 */
export const isOrphaned = (sql: Sql, localOperations: ReadonlySet<number>): Fragment => sql`
  state = 'running' and touched_at < clock_timestamp() - ${orphanedAfterSeconds}::int * interval '1 second'
  and id <> all(${[...localOperations].map(String)}::bigint[])
  and not exists (select from jobsctl_detached where operation_id = job_operations.id)`

/** What it takes to find and close orphaned records. */
export type OrphanContext = Pick<ChangeServer, 'sql' | 'log'> & { localOperations: ReadonlySet<number> }

const why = 'its server died, or lost the database'

interface ClosingOrphan extends Pick<OrphanContext, 'log'> {
  leavesJobs: LeavesJobs | undefined
}

/** Closes the record of an orphaned operation; its committed batches stand. */
export async function closeOrphan(tx: Transaction, { log, leavesJobs }: ClosingOrphan, id: number): Promise<void> {
  const closed = await closeRecord(tx, id, { state: 'partial', error: why }, leavesJobs)
  if (closed)
    log.warn(`operation ${id} was orphaned by its server, and is ${closed.state} now`, { affected: closed.affected })
}

/** Closes all orphaned records, each in a transaction of its own: an error with one record does not keep the others open. */
export async function closeOrphans(
  { sql, log, localOperations }: OrphanContext,
  leavesJobs: LeavesJobs,
): Promise<void> {
  const orphans = await sql<{ id: number }[]>`
    select id from job_operations where ${isOrphaned(sql, localOperations)} order by id`
  for (const { id } of orphans) {
    const closing = sql.begin(async (tx) => {
      const [orphan] = await tx`
        select id from job_operations where id = ${id}::bigint and ${isOrphaned(tx, localOperations)} for update skip locked`
      if (orphan) await closeOrphan(tx, { log, leavesJobs }, id)
    })
    await closing.catch((error: unknown) => log.warn(`the record of operation ${id} cannot be closed: ${error}`))
  }
}
