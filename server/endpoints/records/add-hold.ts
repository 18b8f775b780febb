import { Failure } from '../../../shared/errors.ts'
import type { AddHold, Hold } from '../../../shared/records/holds.ts'
import type { JobId } from '../../../shared/work/job-key.ts'
import type { ServerContext } from '../../call.ts'
import { namesOf } from '../../database/connection/schema-names.ts'
import { requireKnownRules } from '../../database/error-pattern.ts'
import { isLocked } from '../../database/errors/failure.ts'
import { unlessFrozen } from '../../database/installation/freeze.ts'
import { hasId, idArray } from '../../database/job-ids.ts'
import type { Pool, Sql } from '../../database/sql.ts'
import { hasArchive } from '../../undo/archive/archive.ts'
import { requireHoldTime } from '../../undo/hold-time.ts'
import { hasKeptRows } from '../../undo/way-back.ts'
import type { ActingCall } from '../actor.ts'
import type { InputOf } from '../handlers.ts'
import { holdColumns, insertHoldEvent, recordHold } from './holds.ts'
import { recordOf } from './records.ts'

type HoldCall = ActingCall & Pick<ServerContext, 'sql'>

/** Each job is compared with every hold over a filter or an operation. Holds of undos are looked up by the id of a job. */
const mostHolds = 100

/**
 * Adds a hold, with an event. Batches that began before it are waited for.
 * @throws Failure `not_found` for an id that no job has, here or in the archive; `not_found` and `conflict` for an operation that does
 *   not exist, runs, or keeps nothing; `conflict` where there are 100 holds; `frozen`; `invalid_request` for a time that is over, or
 *   too far away
 */
export async function addHold(call: HoldCall, request: InputOf<'addHold'>): Promise<Hold> {
  await requireHoldTime(call.sql, request.until, 'until')
  requireKnownRules(request.cluster)
  if (request.operation_id !== undefined) await requireOperation(call.sql, request.operation_id)
  if (request.ids) await requireJobs(call.sql, request.ids)
  const hold = await unlessFrozen(call.sql, async (tx) => {
    // Two calls at once would both count fewer than the most.
    await tx`lock table jobsctl_holds in share row exclusive mode`
    await requireRoom(tx)
    const added = await insertHold(tx, call, request)
    await insertHoldEvent(tx, call, { type: 'hold.added', hold: added })
    await recordHold(tx, call, { kind: 'hold.added', hold: added })
    return added
  })
  await waitForBatches(call.sql, hold)
  return hold
}

async function requireOperation(sql: Pool, id: number): Promise<void> {
  const { state } = await recordOf({ sql, within: undefined }, id)
  const because =
    state === 'running' ? 'is still running' : (await hasKeptRows(sql, id)) ? undefined : 'has nothing that is kept'
  if (because === undefined) return
  throw new Failure('conflict', `operation ${id} ${because}; nothing was changed`)
}

/** The most ids without a job that are named. */
const mostNamed = 3

/** A mistyped id would be counted as held, while the job that was meant is not. */
async function requireJobs(sql: Pool, ids: readonly JobId[]): Promise<void> {
  const isNamed = hasId(sql, ids)
  const archived = (await hasArchive(sql))
    ? sql`union all select jobs.id from jobs_archive as jobs where ${isNamed}`
    : sql``
  const missing = await sql<{ id: string }[]>`
    with there as materialized (select jobs.id from jobs where ${isNamed} ${archived})
    select given.id::text as id
    from unnest(${idArray(sql, ids)}) as given (id)
    where (given.id in (select id from there)) is not true
    group by given.id
    order by given.id
    limit ${mostNamed + 1}`
  if (missing.length === 0) return
  const named = missing.slice(0, mostNamed).map(({ id }) => id)
  const others = missing.length > mostNamed ? ' and others' : ''
  throw new Failure(
    'not_found',
    `no job has the id ${named.join(', ')}${others}, and none in the archive; nothing was changed`,
    { hint: 'correct the ids, or leave out those that no job has' },
  )
}

async function requireRoom(tx: Sql): Promise<void> {
  const [{ count }] = await tx<[{ count: number }]>`
    select count(*) as count from jobsctl_holds as hold where hold.undo_id is null and hold.until > now()`
  if (count < mostHolds) return
  throw new Failure(
    'conflict',
    `there are ${mostHolds} holds, and each job is compared with every one; nothing was changed`,
    {
      hint: 'remove a hold, or replace several by one with a wider filter',
    },
  )
}

async function insertHold(
  tx: Sql,
  { caller, reason }: HoldCall,
  { ids, operation_id, all: _, until, ...filter }: AddHold,
): Promise<Hold> {
  const isByFilter = ids === undefined && operation_id === undefined
  const here = namesOf(tx)?.place
  const place = ids || (here && filter.domain === here.domain) ? here?.table : undefined
  const [hold] = await tx<[Hold]>`
    with hold as (
      insert into jobsctl_holds (filter, operation_id, jobs, until, reason, caller, place)
      values (
        ${isByFilter ? JSON.stringify(filter) : null}::text::jsonb, ${operation_id ?? null}::bigint,
        ${ids ? new Set(ids).size : null}::bigint, ${until}::text::timestamptz, ${reason ?? null}::text, ${caller}::text,
        coalesce(
          ${place ?? null}::text,
          (select place from jobsctl_operation_terms as term where term.operation_id = ${operation_id ?? null}::bigint)
        )
      )
      returning *
    ),
    held as (
      insert into jobsctl_held_jobs (hold_id, job_ref)
      select hold.id, job_ref
      from hold
      cross join unnest(${idArray(tx, ids ?? [])}) as job_ref
      on conflict do nothing
    )
    select ${holdColumns(tx)} from hold`
  return hold
}

/** A batch that began before the hold may not see it. Each batch has locked its record. */
async function waitForBatches(sql: Pool, { id }: Hold): Promise<void> {
  try {
    await sql`select id from job_operations where state = 'running' for share`
  } catch (cause) {
    if (!isLocked(cause)) throw cause
    const detail = `hold ${id} is added; a batch that began before it has not ended, and may still touch some of its jobs`
    throw new Failure('conflict', detail, { hint: 'jobsctl operations --state running shows the change', cause })
  }
}
