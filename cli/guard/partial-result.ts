import { setTimeout as sleep } from 'node:timers/promises'
import type { z } from 'zod'
import type { Progress } from '../../shared/changes/bulk-change.ts'
import { Failure } from '../../shared/errors.ts'
import { getOperation, type OperationRecord } from '../../shared/records/records.ts'
import type { Context } from '../context.ts'
import { interrupted } from '../io.ts'
import { jobsText } from '../text/numbers.ts'
import { type ChangeRun, canUndo } from './change.ts'
import { tallyOf } from './tally.ts'
import { undoCommand } from './undo-command.ts'
import { isOutcomeUnknown, withLookCommand } from './unknown-outcome.ts'

interface Reached {
  /** The answers of the finished calls, and the number of jobs that these calls changed. */
  answers: readonly unknown[]
  before: number
  /** The last progress that the server reported of the unfinished call. */
  last: Progress | undefined
}

/** The failure of a change that stopped early: the jobs changed so far, and the next command. Other errors stay as they are. */
export async function partialResult<In extends z.ZodType, Out extends z.ZodType>(
  run: ChangeRun<In, Out>,
  error: unknown,
  reached: Reached,
): Promise<unknown> {
  if (!(error instanceof Failure)) return error
  const { context, change } = run
  const { before, last } = reached
  if (last && !context.io.signal.aborted && !isOutcomeUnknown(error)) noteNotReached(run, last)
  if (last && context.io.signal.aborted) return interruptedAt(run, reached, last)
  const { message, requestId, server, cause } = error
  const look = `to see where it stands: ${lookAt(run, last)}`
  const changed = before + (last?.affected ?? 0)
  const done = change.say(jobsText(changed), true)
  if (error.code === 'partial' && before === 0) {
    const hint = [error.hint ?? goOn(run), ...undoHint(run, reached, last)].join('; ')
    return new Failure('partial', message, { hint, requestId, server, cause })
  }
  if (before === 0 && (changed === 0 || isOutcomeUnknown(error))) {
    const detail = changed > 0 ? `${change.say(`at least ${jobsText(changed)}`, true)}, then: ${message}` : message
    return withLookCommand(new Failure(error.code, detail, { hint: error.hint, requestId, server, cause }), look)
  }
  const code = context.io.signal.aborted ? error.code : 'partial'
  const hint = `${goOn(run)}; ${look}`
  return new Failure(code, `${done}, then stopped: ${message}`, { hint, requestId, server, cause })
}

/** For a person the jobs that a change which stopped did not get to: nobody has skipped them. Programs read the record. */
function noteNotReached<In extends z.ZodType, Out extends z.ZodType>(
  { context }: ChangeRun<In, Out>,
  { total, affected }: Pick<Progress, 'total' | 'affected'>,
): void {
  const rest = (total ?? 0) - affected
  if (rest > 0 && context.print.forPeople)
    context.print.aside(`note: ${jobsText(rest)} of the preview ${rest === 1 ? 'was' : 'were'} not reached`)
}

/** The command that shows the state: the record of the operation, or else a dry run of the rest. */
function lookAt<In extends z.ZodType, Out extends z.ZodType>(
  { context, change }: ChangeRun<In, Out>,
  last: Progress | undefined,
): string {
  return last
    ? context.another(['operations', String(last.operation_id)])
    : context.retyped([...change.words, '--dry-run'])
}

/** How to continue. The tokens of a plan are used up, so the rest is previewed again. */
const goOn = <In extends z.ZodType, Out extends z.ZodType>({ context, change }: ChangeRun<In, Out>): string =>
  change.goAhead ? `to go on: ${context.retyped(change.words)}` : 'run the command again to go on'

function undoHint<In extends z.ZodType, Out extends z.ZodType>(
  { context, change }: ChangeRun<In, Out>,
  { answers }: Reached,
  last: Progress | undefined,
): string[] {
  const ids = [...(tallyOf(answers).operation_ids ?? []), ...(last ? [last.operation_id] : [])]
  return canUndo(change) && ids.length > 0 ? [`to undo: ${undoCommand(context, ids)}`] : []
}

/** After the first Ctrl-C the connection is closed. The server stops after its running batch and records the count. */
async function interruptedAt<In extends z.ZodType, Out extends z.ZodType>(
  run: ChangeRun<In, Out>,
  reached: Reached,
  last: Progress,
): Promise<Failure> {
  const { context, change } = run
  const { code } = interrupted(context.io.signal)
  context.print.aside(`${code}; waiting for the running batch to end; Ctrl-C again ends the wait`)
  const record = await endedRecord(context, last.operation_id)
  const changed = reached.before + Math.max(last.affected, record?.affected ?? 0)
  const done = changed === 0 ? 'nothing was changed' : change.say(jobsText(changed), true)
  if (record === undefined || record.state === 'running') {
    const hint = `to see where it stands: ${lookAt(run, last)}`
    return new Failure(code, `${code}; ${done} before that, and the server may still finish its batch`, { hint })
  }
  noteNotReached(run, { total: record.previewed, affected: record.affected })
  const back = changed === 0 ? [] : undoHint(run, reached, last)
  const end = changed === 0 ? done : `${done} before that, and no more`
  return new Failure(code, `${code}; ${end}`, { hint: [goOn(run), ...back].join('; ') })
}

const mostWaitMs = 10_000
const betweenLooksMs = 200

/** The record of an operation when the operation has ended, or as it is after `mostWaitMs` milliseconds. */
async function endedRecord(context: Context, id: number): Promise<OperationRecord | undefined> {
  const end = performance.now() + mostWaitMs
  const client = await context.newClient(AbortSignal.timeout(mostWaitMs)) // Ctrl-C has aborted the calls of the other client
  let record: OperationRecord | undefined
  while (performance.now() < end) {
    const answer = await client.call(getOperation, { id: String(id) }).catch(() => undefined)
    record = answer?.body ?? record
    if (record && record.state !== 'running') return record
    await sleep(betweenLooksMs)
  }
  return record
}
