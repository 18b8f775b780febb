import { setTimeout as wait } from 'node:timers/promises'
import { Failure } from '../../shared/errors.ts'
import type { Scope } from '../../shared/scope.ts'
import { takeLock } from '../database/advisory-locks.ts'
import { limitIdleTime } from '../database/idle-timeout.ts'
import type { Fragment, Pool, Sql } from '../database/sql.ts'
import type { BulkChange, Operation, Origin } from './bulk-change.ts'
import { findReplay } from './idempotent-replay.ts'
import { closeOrphan, isOrphaned, type OrphanContext, orphanedAfterSeconds } from './liveness.ts'
import { hashOfJson, previewLifetimeSeconds, previewStale, type VerifiedPreview } from './preview-token.ts'
import { isFromThisDatabase } from './snapshot.ts'

/** What the begin of an operation needs of the request and the server. */
export interface BeginContext extends Origin, Omit<OrphanContext, 'sql'> {
  sql: Pool
  formerCaller: string | undefined
  idempotencyKey: string | undefined
}

/** Another operation of the same kind in an overlapping scope. */
interface RunningOperation {
  id: number
  caller: string
  /** When it started, as `YYYY-MM-DD HH24:MI UTC`. */
  since: string
  affected: number
  /** A batch of it runs now: its record is locked. */
  busy: boolean
  /** When its server last updated the record. */
  touched: string
}

/** How often, and how long at most, the record of an operation whose server may be dead is read, in milliseconds. */
const pollMs = 250
const longestPollMs = 20_000

/**
 * Begins an operation: inserts its record, unless the same request ran before under the same idempotency key.
 * @returns the operation, or the answer of the first request
 * @throws Failure `conflict` that names the operation which holds the scope, or when the idempotency key belongs to another
 *   request; `preview_stale` when the preview is used, expired, or of another database
 */
export async function beginOperation<Answer>(
  context: BeginContext,
  bulk: BulkChange<Answer>,
  previewed: VerifiedPreview | undefined,
): Promise<Operation | { answer: Answer }> {
  let last: RunningOperation | undefined
  for (const end = Date.now() + longestPollMs; ; ) {
    const outcome = await context.sql.begin((tx) => tryToBegin(tx, context, bulk, previewed))
    if (!('blockedBy' in outcome)) return outcome
    const { blockedBy } = outcome
    // An operation that runs a batch or touches its record is alive. Any other may be an orphan, which is closed soon.
    const isAlive = blockedBy.busy || (last?.id === blockedBy.id && last.touched !== blockedBy.touched)
    if (isAlive || Date.now() > end) throw alreadyRunning(bulk, blockedBy)
    last = blockedBy
    await wait(pollMs)
  }
}

async function tryToBegin<Answer>(
  tx: Sql,
  context: BeginContext,
  bulk: BulkChange<Answer>,
  previewed: VerifiedPreview | undefined,
): Promise<Operation | { answer: Answer } | { blockedBy: RunningOperation }> {
  // One begin at a time: the check for running operations and the insert of the record must not interleave.
  await tx`select ${limitIdleTime(tx)}, ${takeLock(tx, 'operations')}`
  const hash = hashOfJson([bulk.kind, bulk.request, bulk.previewToken])
  const replay = await findReplay(tx, context, bulk, hash)
  if (replay) return { answer: replay.answer }
  if (previewed) await checkPreview(tx, previewed)
  await closeOrphansInScope(tx, context, bulk)
  const blockedBy = await findRunning(tx, bulk)
  if (blockedBy) return { blockedBy }
  return insertRecord(tx, context, bulk, { previewed, hash })
}

async function checkPreview(tx: Sql, { id, as_of, snapshot }: VerifiedPreview): Promise<void> {
  const [row] = await tx<[{ used: number | null; expired: boolean; known: boolean }]>`
    select
      (select id from job_operations where preview_id = ${id}) as used,
      now() > ${as_of}::text::timestamptz + ${previewLifetimeSeconds}::int * interval '1 second' as expired,
      ${isFromThisDatabase(tx, snapshot)} as known`
  if (row.used !== null) throw previewStale(`operation ${row.used} used this preview already`)
  if (row.expired) throw previewStale('the preview has expired')
  if (!row.known) throw previewStale('the database was restored after the preview')
}

const inSameScope = (tx: Sql, { scope, undoes }: Pick<BulkChange<unknown>, 'scope' | 'undoes'>): Fragment =>
  undoes === undefined ? overlaps(tx, scope) : tx`undoes = ${undoes}::bigint`

/** Closes the records of operations of this kind in this scope whose servers are gone. */
async function closeOrphansInScope(tx: Sql, context: OrphanContext, bulk: BulkChange<unknown>): Promise<void> {
  const orphans = await tx<{ id: number }[]>`
    select id
    from job_operations
    where state = 'running' and kind = ${bulk.kind} and ${inSameScope(tx, bulk)} and ${isOrphaned(tx, context.localOperations)}
    for update skip locked`
  for (const { id } of orphans) await closeOrphan(tx, context, id)
}

/** The running operation of this kind whose scope overlaps; an operation with a running batch comes first. */
async function findRunning(tx: Sql, bulk: BulkChange<unknown>): Promise<RunningOperation | undefined> {
  const unlocked = tx`
    select id from job_operations where state = 'running' and kind = ${bulk.kind} for update skip locked`
  const [running] = await tx<RunningOperation[]>`
    with unlocked as materialized (${unlocked})
    select id, caller, to_char(started_at at time zone 'utc', 'YYYY-MM-DD HH24:MI "UTC"') as since, affected,
      id not in (select id from unlocked) as busy, touched_at::text as touched
    from job_operations
    where state = 'running' and kind = ${bulk.kind} and ${inSameScope(tx, bulk)}
    order by busy desc, touched_at desc, id`
  return running
}

/** True for a record whose scope overlaps: two scopes share no job where both set the same field to different values. */
const overlaps = (sql: Sql, { domain, queue, job_type }: Scope): Fragment => sql`
  coalesce(domain = ${domain ?? null}::text, true)
  and coalesce(queue = ${queue ?? null}::text, true)
  and coalesce(job_type = ${job_type ?? null}::text, true)`

function alreadyRunning(
  { name }: Pick<BulkChange<unknown>, 'name'>,
  { id, caller, since, affected }: RunningOperation,
): Failure {
  const progress = affected === 0 ? '' : `, ${affected.toLocaleString('en-US')} jobs so far`
  return new Failure(
    'conflict',
    `another ${name} is running in this scope: operation ${id} of ${caller}, since ${since}${progress}; nothing was changed`,
    {
      hint: `try again when it has ended; if its server is gone, its record is closed within ${orphanedAfterSeconds} seconds`,
      retryAfter: 5,
    },
  )
}

interface RecordDetails {
  previewed: VerifiedPreview | undefined
  /** The hash over kind, request and preview token, by which an idempotent replay is recognised. */
  hash: string
}

async function insertRecord(
  tx: Sql,
  { caller, reason, requestId, idempotencyKey }: BeginContext,
  bulk: BulkChange<unknown>,
  { previewed, hash }: RecordDetails,
): Promise<Operation> {
  const { domain = null, queue = null, job_type = null } = bulk.scope
  const [row] = await tx<[Operation]>`
    insert into job_operations (
      kind, domain, queue, job_type, filters, as_of, seen, caller, reason, request_id,
      idempotency_key, request_hash, preview_id, previewed, undoes
    )
    values (
      ${bulk.kind}, ${domain}, ${queue}, ${job_type}, ${JSON.stringify(bulk.request)}::text::jsonb,
      coalesce(${previewed?.as_of ?? null}::text::timestamptz, now()),
      coalesce(${previewed?.snapshot ?? null}::text, pg_current_snapshot()::text),
      ${caller}, ${reason ?? null}, ${requestId},
      ${idempotencyKey ?? null}, ${hash}, ${previewed?.id ?? null}, ${previewed?.count ?? null}::bigint, ${bulk.undoes ?? null}::bigint
    )
    returning id as operation, as_of as "asOf", seen as snapshot`
  return { ...row, excluded: previewed?.excluded }
}
