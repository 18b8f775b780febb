import { randomUUID } from 'node:crypto'
import { Failure } from '../../../shared/errors.ts'
import { serverName } from '../../call.ts'
import type { Pool } from '../../database/sql.ts'
import type { Course } from '../batches/run-operation.ts'
import type { BulkChange, Operation } from '../change/bulk-change.ts'
import { type Claimed, runningRecord, TakenOver } from '../change/claim.ts'
import { requestHash } from '../record/idempotent-replay.ts'

/**
 * A record that nobody touched for this many seconds belongs to a server that is gone. It is less than the ten seconds after which
 * a server of version 0.1.0 closes the record.
 */
const silentAfterSeconds = 6

/** A change that this server has taken over. */
export interface TakenChange extends Claimed {
  caller: string
  /** The scope under which it began, as JSON; null where its caller was not limited. */
  within: unknown
  reason: string | null
  request_id: string | null
  idempotency_key: string | null
  affected: number
  /** The request as text. */
  request: string
  /** How many servers in a row have taken it over while not one job was changed, this one included. */
  attempts: number
  /** Why the last of them could not go on. */
  problem: string | null
}

/**
 * Takes over one change whose server is gone, or has given it back; then as many seconds later as servers in a row have changed no
 * job. The rows are locked for it, so that of several servers one gets it. A batch locks them, too, so that a server that works is
 * never taken for dead.
 */
export async function takeOver(sql: Pool, localOperations: ReadonlySet<number>): Promise<TakenChange | undefined> {
  const [taken] = await sql<TakenChange[]>`
    with silent as (
      select id, affected, caller, filters -> 'within' as within, reason, request_id, idempotency_key
      from job_operations
      join jobsctl_detached on operation_id = id
      where state = 'running'
        and touched_at < clock_timestamp()
          - interval '1 second' * case when hold is null then attempts else ${silentAfterSeconds}::int end
        and id <> all(${[...localOperations].map(String)}::bigint[])
      order by id
      limit 1
      for update skip locked
    ),
    touched as (
      update job_operations set touched_at = clock_timestamp() from silent where job_operations.id = silent.id
    )
    update jobsctl_detached
    set hold = ${randomUUID()}::uuid,
        server = ${serverName}::text,
        attempts = case when affected_before = silent.affected then attempts + 1 else 1 end,
        affected_before = silent.affected
    from silent
    where operation_id = silent.id
    returning operation_id as operation, hold, caller, within, reason, request_id, idempotency_key, affected, request, attempts, problem`
  return taken
}

interface RunningRecord extends Operation {
  affected: number
  counts: Record<string, number>
  batches: number
  elapsed_ms: number
  request_hash: string
}

/**
 * Reads how far a change has come that this server goes on with.
 * @throws TakenOver; Failure `conflict` where this version understands the request in another way than the server that took it
 */
export async function readCourse(
  sql: Pool,
  held: Claimed,
  bulk: Pick<BulkChange<unknown>, 'kind' | 'request' | 'previewToken'>,
): Promise<{ operation: Operation; before: Course }> {
  const [record] = await sql<RunningRecord[]>`
    select
      id as operation, as_of as "asOf", seen as snapshot, affected, counts, batches, request_hash,
      (extract(epoch from clock_timestamp() - started_at) * 1000)::bigint as elapsed_ms
    ${runningRecord(sql, held)}`
  if (!record) throw new TakenOver()
  const { asOf, snapshot, request_hash, ...before } = record
  if (request_hash !== requestHash(bulk))
    throw new Failure('conflict', 'this version of the server reads the request in another way')
  return { operation: { operation: held.operation, asOf, snapshot }, before }
}
