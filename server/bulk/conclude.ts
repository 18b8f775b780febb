import { setTimeout as wait } from 'node:timers/promises'
import { Failure } from '../../shared/errors.ts'
import { databaseFailure } from '../database/failure.ts'
import type { RunResult } from './batch-loop.ts'
import type { BulkChange, RunningChange } from './bulk-change.ts'
import { type ClosedRecord, closeRecord, type Outcome } from './close-record.ts'
import { partialFailure } from './partial-failure.ts'
import type { VerifiedPreview } from './preview-token.ts'

interface Conclusion {
  run: RunResult
  previewed: VerifiedPreview | undefined
  elapsed_ms: number
}

/**
 * Closes the record of a change that has run, and answers.
 * @throws Failure `partial` when it stopped half-way, or what stopped it before anything was changed
 */
export async function conclude<Answer>(
  running: RunningChange,
  bulk: BulkChange<Answer>,
  conclusion: Conclusion,
): Promise<Answer> {
  const { run } = conclusion
  if (run.stop) return fail(running, run, run.stop)
  try {
    const said = await sayDone(running, bulk, conclusion)
    await give(running, { state: 'done', skippedLocked: run.skippedLocked, answer: said })
    return bulk.output.parse(said)
  } catch (cause) {
    if (run.affected === 0) throw cause
    throw partialFailure({
      id: running.operation,
      affected: run.affected,
      why: 'the record could not be closed',
      cause,
    })
  }
}

async function sayDone(running: RunningChange, bulk: BulkChange<unknown>, conclusion: Conclusion): Promise<object> {
  const { run, previewed, elapsed_ms } = conclusion
  return {
    ...(await bulk.ownAnswer({ running, counts: run.counts, previewed })),
    ...(run.affected > 0 && { operation_id: running.operation }),
    batches: run.batches,
    elapsed_ms,
    ...(previewed && bulk.limit === undefined && { skipped: previewed.count - run.affected }),
    skipped_locked: run.skippedLocked,
  }
}

/** Half-way, or before anything was changed. The record tells which, if it can be reached. */
async function fail(running: RunningChange, run: RunResult, stop: NonNullable<RunResult['stop']>): Promise<never> {
  const failure = failureOf(stop)
  const why = withoutConsequence(failure)
  // When one connection broke, others may be just about to, and the record is to be closed on one that stays.
  if (failure.cause !== undefined) await wait(100)
  const ended = await give(running, { state: 'partial', error: why }).catch(() => undefined)
  const affected = ended?.affected ?? run.affected
  if (failure.code === 'outcome_unknown') {
    if (!ended) throw lost(running, affected, failure)
    if (affected === 0) throw new Failure('database_unavailable', `${why}; nothing was changed`, { retryAfter: 5 })
  }
  if (affected === 0) throw failure
  throw partialFailure({ id: running.operation, affected, why, cause: failure.cause })
}

/** Whole batches stand; whether the last one does, nobody can tell from here. */
function lost({ operation }: RunningChange, affected: number, failure: Failure): Failure {
  if (affected === 0) return failure
  const after = `after ${affected.toLocaleString('en-US')} jobs of operation ${operation}, and perhaps some more`
  return new Failure('outcome_unknown', `${withoutConsequence(failure)} ${after}`, {
    hint: 'its record tells how far it came; run it again to go on',
    retryAfter: 5,
    cause: failure,
  })
}

/** A bug of ours is none of the database. */
function failureOf(stop: NonNullable<RunResult['stop']>): Failure {
  if ('why' in stop) return new Failure('shutting_down', `${stop.why}; nothing was changed`, { retryAfter: 5 })
  const { cause } = stop
  if (cause instanceof Failure) return cause
  return databaseFailure(cause) ?? new Failure('internal', 'the server made a mistake; nothing was changed', { cause })
}

/** What happened, without what it means for the change. */
const withoutConsequence = ({ message }: Failure): string =>
  message.replace(/; (?:nothing was changed|the change was .*)$/, '')

/** Ends the record. */
async function give(running: RunningChange, ending: Outcome): Promise<ClosedRecord | undefined> {
  const ended = await running.sql.begin((tx) => closeRecord(tx, running.operation, ending))
  if (ended && ended.affected > 0) {
    running.log.info('operation', { id: running.operation, state: ended.state, affected: ended.affected })
  }
  return ended
}
