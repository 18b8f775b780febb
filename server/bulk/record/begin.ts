import { setTimeout as wait } from 'node:timers/promises'
import type { ChangeServer } from '../../call.ts'
import { namesOf } from '../../database/connection/schema-names.ts'
import { refuseWhileFrozen, throwIfFrozen } from '../../database/installation/freeze.ts'
import { holdLock } from '../../database/locks/hold-lock.ts'
import { commonScope } from '../../database/shared-jobs.ts'
import type { Sql, Transaction } from '../../database/sql.ts'
import type { BulkChange, Operation } from '../change/bulk-change.ts'
import type { Commission, Done } from '../change/commission.ts'
import { checkPreview } from '../preview/preview-check.ts'
import type { VerifiedPreview } from '../token/preview-token.ts'
import { holdPlan, planDetails } from './approved-plan.ts'
import { findReplay, requestHash } from './idempotent-replay.ts'
import type { OrphanContext } from './liveness.ts'
import { alreadyRunning, closeOrphansInScope, findRunning, type RunningOperation } from './running-operations.ts'

/** What the begin of an operation needs of its commission and of the server. */
export type BeginContext = OrphanContext &
  Pick<Commission, 'by' | 'formerCaller' | 'detach' | 'binding'> &
  RecordContext

/** What the record says of the commission, and for how many days the archive keeps its jobs. */
export type RecordContext = Pick<ChangeServer, 'archiveDays'> &
  Pick<Commission, 'caller' | 'identity' | 'approved' | 'proposed' | 'reason' | 'requestId' | 'idempotencyKey'>

/** How often, and how long at most, the record of an operation whose server may be dead is read, in milliseconds. */
const pollMs = 250
const longestPollMs = 20_000

/**
 * Begins an operation: inserts its record, unless the same request ran before under the same idempotency key.
 * @returns the operation, or the answer to the first request; where the caller does not wait, the operation of the first request
 * @throws Failure `conflict` that names the operation which holds the scope, or when the idempotency key belongs to another
 *   request; `frozen`; `preview_stale` when the preview is used, expired, or of another database
 */
export async function beginOperation<Answer>(
  context: BeginContext,
  bulk: BulkChange<Answer>,
  previewed: VerifiedPreview | undefined,
): Promise<Operation | Done<Answer>> {
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
  tx: Transaction,
  context: BeginContext,
  bulk: BulkChange<Answer>,
  previewed: VerifiedPreview | undefined,
): Promise<Operation | Done<Answer> | { blockedBy: RunningOperation }> {
  // One begin at a time: the check for running operations and the insert of the record must not interleave.
  await holdLock(tx, 'operations')
  const replay = await findReplay(tx, context, bulk)
  if (replay) return replay
  // At once, where `jobs-server freeze` still waits for the batch of another change.
  await throwIfFrozen(tx)
  await refuseWhileFrozen(tx)
  // The plan of a policy was applied before, and is deleted after its term: the policy goes on.
  if (context.by === 'plan') await holdPlan(tx, context)
  if (previewed) await checkPreview(tx, previewed, context.binding)
  await closeOrphansInScope(tx, context, bulk)
  const blockedBy = await findRunning(tx, bulk)
  if (blockedBy) return { blockedBy }
  return insertRecord(tx, context, bulk, previewed)
}

/** Writes the record of an operation that begins. */
export async function insertRecord(
  tx: Sql,
  { caller, identity, approved, proposed, reason, requestId, idempotencyKey, archiveDays }: RecordContext,
  bulk: Pick<BulkChange<unknown>, 'kind' | 'scope' | 'request' | 'previewToken'>,
  previewed: VerifiedPreview | undefined,
): Promise<Operation> {
  const { domain = null, queue = null, job_type = null } = commonScope(bulk.scope)
  const place = namesOf(tx)?.place
  const [row] = await tx<[Operation]>`
    with record as (
      insert into job_operations (
        kind, domain, queue, job_type, filters, as_of, seen, caller, reason, request_id,
        idempotency_key, request_hash, preview_id, previewed
      )
      values (
        ${bulk.kind}, ${domain}, ${queue}, ${job_type}, ${JSON.stringify({ ...bulk.request, ...planDetails({ approved, proposed }) })}::text::jsonb,
        coalesce(${previewed?.as_of ?? null}::text::timestamptz, now()),
        coalesce(${previewed?.snapshot ?? null}::text, pg_current_snapshot()::text),
        ${caller}, ${reason ?? null}, ${requestId},
        ${idempotencyKey ?? null}, ${requestHash(bulk)}, ${previewed?.id ?? null}, ${previewed?.count ?? null}::bigint
      )
      returning id, as_of, seen
    ),
    term as (
      insert into jobsctl_operation_terms (operation_id, archive_days, principal, place, place_domain)
      select id, ${archiveDays}::int, ${identity.principal}::text, ${place?.table ?? null}::text, ${place?.domain ?? null}::text from record
      on conflict (operation_id) do update set archive_days = excluded.archive_days, principal = excluded.principal,
        jobs = null, dependents = null, place = excluded.place, place_domain = excluded.place_domain
    )
    select id as operation, as_of as "asOf", seen as snapshot from record`
  return { ...row, excluded: previewed?.excluded }
}
