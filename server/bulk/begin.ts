import { setTimeout as wait } from 'node:timers/promises'
import { Failure } from '../../shared/errors.ts'
import type { Scope } from '../../shared/scope.ts'
import type { Call } from '../call.ts'
import { takeLock } from '../database/advisory-locks.ts'
import { limitIdleTime } from '../database/idle-timeout.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import type { BulkChange } from './bulk-change.ts'
import { findReplay } from './idempotent-replay.ts'
import { endOrphan, isOrphaned } from './liveness.ts'
import { hashOfJson, previewLifetimeSeconds, previewStale, type VerifiedPreview } from './preview-token.ts'
import { isFromThisDatabase, type Snapshot } from './snapshot.ts'

/** A change that may run now, alone of its kind in its scope. */
export interface Begun {
  operation: number
  asOf: string
  snapshot: Snapshot
}

/** What is known of another change that is in the way. */
interface RunningOperation {
  id: number
  caller: string
  since: string
  affected: number
  /** A batch of it runs. */
  busy: boolean
  /** Its last sign of life. */
  touched: string
}

/** How often a holder is looked at that may be dead, and how long at most, in milliseconds. */
const lookAgain = 250
const patience = 20_000

/**
 * Begins a change: writes its record, unless this very request has been made before.
 * @returns what may run, or the answer of the first time
 * @throws Failure `conflict` with who holds the scope, or for another body under the same key; `preview_stale`
 */
export async function beginOperation<Answer>(
  call: Call,
  bulk: BulkChange<Answer>,
  previewed: VerifiedPreview | undefined,
): Promise<Begun | { answer: Answer }> {
  let before: RunningOperation | undefined
  for (const end = Date.now() + patience; ; ) {
    const outcome = await call.sql.begin((tx) => tryToBegin(tx, call, bulk, previewed))
    if (!('holder' in outcome)) return outcome
    const { holder } = outcome
    // One that gives a sign of life is alive; another may have lost its server a moment ago, and is not waited for in vain.
    const alive = holder.busy || (before?.id === holder.id && before.touched !== holder.touched)
    if (alive || Date.now() > end) throw alreadyRunning(bulk, holder)
    before = holder
    await wait(lookAgain)
  }
}

async function tryToBegin<Answer>(
  tx: Sql,
  call: Call,
  bulk: BulkChange<Answer>,
  previewed: VerifiedPreview | undefined,
) {
  // Whoever begins looks at who runs; for that moment, nobody else begins.
  await tx`select ${limitIdleTime(tx)}, ${takeLock(tx, 'operations')}`
  const hash = hashOfJson([bulk.kind, bulk.request, bulk.previewToken])
  const before = await findReplay(tx, call, bulk, hash)
  if (before) return { answer: before.answer }
  if (previewed) await checkPreview(tx, previewed)
  const [holder] = await endOrphansAndFindRunning(tx, call, bulk)
  if (holder) return { holder }
  return insert(tx, call, bulk, { previewed, hash })
}

async function checkPreview(tx: Sql, { id, as_of, snapshot }: VerifiedPreview): Promise<void> {
  const [row] = await tx<[{ used: number | null; expired: boolean; known: boolean }]>`
    select
      (select id from job_operations where preview_id = ${id}) as used,
      now() > ${as_of}::text::timestamptz + ${previewLifetimeSeconds}::int * interval '1 second' as expired,
      ${isFromThisDatabase(tx, snapshot)} as known`
  if (row.used !== null) throw previewStale(`the preview has been used already, by operation ${row.used}`)
  if (row.expired) throw previewStale('the preview has expired')
  if (!row.known) throw previewStale('the database has been restored since the preview')
}

/** Who runs the same kind of change in a scope that overlaps. What its server has left behind is ended first. */
async function endOrphansAndFindRunning(
  tx: Sql,
  call: Call,
  { kind, scope, undoes }: BulkChange<unknown>,
): Promise<RunningOperation[]> {
  const same = undoes === undefined ? overlaps(tx, scope) : tx`undoes = ${undoes}::bigint`
  const left = await tx<{ id: number }[]>`
    select id from job_operations
    where state = 'running' and kind = ${kind} and ${same} and ${isOrphaned(tx, call.localOperations)}
    for update skip locked`
  for (const { id } of left) await endOrphan(tx, call, id)
  const unlocked = tx`select id from job_operations where state = 'running' and kind = ${kind} for update skip locked`
  return tx<RunningOperation[]>`
    with unlocked as materialized (${unlocked})
    select id, caller, to_char(started_at at time zone 'utc', 'YYYY-MM-DD HH24:MI "UTC"') as since, affected,
      id not in (select id from unlocked) as busy, touched_at::text as touched
    from job_operations
    where state = 'running' and kind = ${kind} and ${same}
    order by busy desc, touched_at desc, id`
}

/** Two scopes have no jobs in common where they name the same thing differently. */
const overlaps = (sql: Sql, { domain, queue, job_type }: Scope): Fragment => sql`
  coalesce(domain = ${domain ?? null}::text, true)
  and coalesce(queue = ${queue ?? null}::text, true)
  and coalesce(job_type = ${job_type ?? null}::text, true)`

function alreadyRunning({ name }: BulkChange<unknown>, { id, caller, since, affected }: RunningOperation): Failure {
  const far = affected === 0 ? '' : `, ${affected.toLocaleString('en-US')} jobs so far`
  return new Failure(
    'conflict',
    `another ${name} is running in this scope: operation ${id} of ${caller}, since ${since}${far}; nothing was changed`,
    { hint: 'try again when it has ended', retryAfter: 5 },
  )
}

interface Terms {
  previewed: VerifiedPreview | undefined
  hash: string
}

async function insert(tx: Sql, call: Call, bulk: BulkChange<unknown>, { previewed, hash }: Terms): Promise<Begun> {
  const { domain = null, queue = null, job_type = null } = bulk.scope
  const [row] = await tx<[Begun]>`
    insert into job_operations (
      kind, domain, queue, job_type, filters, as_of, seen, caller, reason, request_id,
      idempotency_key, request_hash, preview_id, previewed, undoes
    )
    values (
      ${bulk.kind}, ${domain}, ${queue}, ${job_type}, ${JSON.stringify(bulk.request)}::text::jsonb,
      coalesce(${previewed?.as_of ?? null}::text::timestamptz, now()),
      coalesce(${previewed?.snapshot ?? null}::text, pg_current_snapshot()::text),
      ${call.caller}, ${call.reason ?? null}, ${call.requestId},
      ${call.idempotencyKey ?? null}, ${hash}, ${previewed?.id ?? null}, ${previewed?.count ?? null}::bigint, ${bulk.undoes ?? null}::bigint
    )
    returning id as operation, as_of as "asOf", seen as snapshot`
  return row
}
