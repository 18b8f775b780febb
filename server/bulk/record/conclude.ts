import { setTimeout as wait } from 'node:timers/promises'
import { Failure } from '../../../shared/errors.ts'
import { databaseFailure } from '../../database/errors/failure.ts'
import type { BulkChange, Running, RunResult } from '../change/bulk-change.ts'
import { RowsKept } from '../change/selection.ts'
import type { VerifiedPreview } from '../token/preview-token.ts'
import { closeLater } from './close-later.ts'
import { type ClosedRecord, closeHeld, type Outcome } from './close-record.ts'
import { howToGoOn, partialFailure } from './partial-failure.ts'

interface Conclusion {
  run: RunResult
  previewed: VerifiedPreview | undefined
  elapsed_ms: number
}

type Undoing = Pick<BulkChange<unknown>, 'leavesJobs'>

/** A second connection may break just after the first one: the record is closed after this pause, in milliseconds. */
const pauseBeforeCloseMs = 100

/**
 * Closes the record of an operation after its last batch, and makes the response.
 * @throws Failure `partial` when the operation stopped after some jobs, `outcome_unknown` when the last batch may or may not
 *   be committed, or the error that stopped the operation before any job was changed
 */
export async function conclude<Answer>(
  context: Running,
  bulk: BulkChange<Answer>,
  conclusion: Conclusion,
): Promise<Answer> {
  const { run } = conclusion
  const hasKey = context.idempotencyKey !== undefined
  if (run.stop) return concludeStopped(context, bulk, { run, stop: run.stop })
  const partial = { id: context.operation, affected: run.affected, hasKey }
  try {
    const answer = await makeAnswer(context, bulk, conclusion)
    const isClosed = await closeAsDone(context, bulk, { state: 'done', skippedLocked: run.skippedLocked, answer })
    if (isClosed) return bulk.output.parse(answer)
  } catch (cause) {
    // The next server that takes the operation over finds nothing left to change, and closes its record.
    if (run.affected === 0 || context.hold !== undefined) throw cause
    const why = 'the record could not be closed'
    closeLater(context, bulk, { state: 'partial', error: why })
    throw partialFailure({ ...partial, why, cause })
  }
  const why = 'another server has closed the record, since this server did not touch it in time'
  throw partialFailure({ ...partial, why })
}

async function makeAnswer(
  context: Running,
  bulk: BulkChange<unknown>,
  { run, previewed, elapsed_ms }: Conclusion,
): Promise<object> {
  return {
    ...(await bulk.ownAnswer({ ...context, counts: run.counts, previewed })),
    ...(run.affected > 0 && { operation_id: context.operation }),
    batches: run.batches,
    elapsed_ms,
    ...(typeof previewed?.count === 'number' &&
      bulk.limit === undefined && { skipped: previewed.count - run.affected }),
    skipped_locked: run.skippedLocked,
  }
}

/** Closes the record of an operation that stopped; the record decides how many jobs were changed, if it can be reached. */
async function concludeStopped(
  context: Running,
  bulk: Undoing,
  { run, stop }: { run: RunResult; stop: NonNullable<RunResult['stop']> },
): Promise<never> {
  const failure = failureOf(stop)
  const why = withoutConsequence(failure)
  const hasKey = context.idempotencyKey !== undefined
  if (failure.cause !== undefined) await wait(pauseBeforeCloseMs)
  const outcome: Outcome = { state: 'partial', error: why }
  const record = await close(context, bulk, outcome).catch(() => closeLater(context, bulk, outcome))
  const affected = record?.affected ?? run.affected
  if (failure.code === 'outcome_unknown') {
    if (!record) throw unknownOutcome(context, affected, failure)
    if (affected === 0) throw new Failure('database_unavailable', `${why}; nothing was changed`, { retryAfter: 5 })
  }
  if (affected === 0) throw failure
  // A refusal of the server itself, such as a freeze, would meet the same change again. What PostgreSQL refused may be gone.
  const first = failure.cause === undefined ? failure.hint : undefined
  throw partialFailure({ id: context.operation, affected, why, hasKey, first, cause: failure.cause })
}

/** The failure of an operation whose last batch may or may not be committed; all batches before it stand. */
function unknownOutcome({ operation, idempotencyKey }: Running, affected: number, failure: Failure): Failure {
  if (affected === 0) return failure
  const after = `after ${affected.toLocaleString('en-US')} jobs of operation ${operation}, and perhaps some more`
  const { hint, retryWith } = howToGoOn(idempotencyKey !== undefined)
  return new Failure('outcome_unknown', `${withoutConsequence(failure)} ${after}`, {
    hint: `the record of the operation shows how many jobs were changed; ${hint}`,
    retryWith,
    retryAfter: 5,
    cause: failure,
  })
}

/** Errors that PostgreSQL did not raise are reported as `internal`. */
function failureOf(stop: NonNullable<RunResult['stop']>): Failure {
  if ('why' in stop && stop.intended) return new Failure('partial', `${stop.why}; nothing was changed`)
  if ('why' in stop) return new Failure('shutting_down', `${stop.why}; nothing was changed`, { retryAfter: 5 })
  const { cause } = stop
  if (cause instanceof Failure) return cause
  if (cause instanceof RowsKept) return cause.failure
  return databaseFailure(cause) ?? new Failure('internal', 'the server made a mistake; nothing was changed', { cause })
}

/** The message without the clause that says what was changed: the record knows that better. */
const withoutConsequence = ({ message }: Failure): string =>
  message.replace(/; (?:nothing was changed|the change was .*)$/, '')

/**
 * Closes the record, a second time where the connection breaks.
 * @returns false where the record is closed already, and not as done: another server took this operation for an orphan
 */
async function closeAsDone(context: Running, bulk: Undoing, outcome: Outcome): Promise<boolean> {
  const closed = await close(context, bulk, outcome).catch(async () => {
    await wait(pauseBeforeCloseMs)
    return close(context, bulk, outcome)
  })
  if (closed) return true
  // The first close may have been committed, although its connection broke before the answer came.
  const [record] = await context.sql<{ state: string }[]>`
    select state from job_operations where id = ${context.operation}::bigint`
  return record === undefined || !['partial', 'failed'].includes(record.state)
}

async function close(
  { sql, log, operation, hold }: Running,
  { leavesJobs }: Undoing,
  outcome: Outcome,
): Promise<ClosedRecord | undefined> {
  const closed = await sql.begin((tx) => closeHeld(tx, { operation, hold }, outcome, leavesJobs))
  if (closed && closed.affected > 0) {
    log.info('operation', { id: operation, state: closed.state, affected: closed.affected })
  }
  return closed
}
