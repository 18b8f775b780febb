import { setTimeout as sleep } from 'node:timers/promises'
import type { z } from 'zod'
import type { Progress } from '../../shared/changes/bulk-change.ts'
import { Failure } from '../../shared/errors.ts'
import { getOperation, type OperationRecord } from '../../shared/records/records.ts'
import { now } from '../clock.ts'
import type { Context } from '../context.ts'
import { interrupted } from '../interrupted.ts'
import { jobsText } from '../output/numbers.ts'
import type { Session } from './change.ts'
import { tallyOf } from './tally.ts'
import { undoCommand } from './undo-command.ts'
import { isOutcomeUnknown, withLookCommand } from './unknown-outcome.ts'

interface Reached {
  /** Answers of the calls that were made, and how many jobs they changed. */
  answers: readonly unknown[]
  before: number
  /** How far the last call was when the server last told. */
  last: Progress | undefined
}

/** The failure of a change that broke off: how far it came, and what shows it. What is no failure stays what it is. */
export async function partialResult<In extends z.ZodType, Out extends z.ZodType>(
  session: Session<In, Out>,
  error: unknown,
  reached: Reached,
): Promise<unknown> {
  if (!(error instanceof Failure)) return error
  const { context, change } = session
  const { before, last } = reached
  if (last && context.io.signal.aborted) return interruptedAt(session, reached, last)
  const { message, requestId, server, cause } = error
  const look = `to see where it stands: ${lookAt(session, last)}`
  const changed = before + (last?.affected ?? 0)
  const said = change.say(jobsText(changed), true)
  if (error.code === 'partial' && before === 0) {
    const hint = [error.hint ?? goOn(session), ...takeBack(session, reached, last)].join('; ')
    return new Failure('partial', message, { hint, requestId, server, cause })
  }
  if (before === 0 && (changed === 0 || isOutcomeUnknown(error))) {
    const detail = changed > 0 ? `${change.say(`at least ${jobsText(changed)}`, true)}, then: ${message}` : message
    return withLookCommand(new Failure(error.code, detail, { hint: error.hint, requestId, server, cause }), look)
  }
  const code = context.io.signal.aborted ? error.code : 'partial'
  const hint = `${goOn(session)}; ${look}`
  return new Failure(code, `${said}, then stopped: ${message}`, { hint, requestId, server, cause })
}

/** The record, where there is one; else the dry run that shows what is left. */
function lookAt<In extends z.ZodType, Out extends z.ZodType>(
  { context, change }: Session<In, Out>,
  last: Progress | undefined,
): string {
  return last
    ? context.another(['operations', String(last.operation_id)])
    : context.retyped([...change.words, '--dry-run'])
}

/** The tokens of a plan are used up: what is left is asked for anew. */
const goOn = <In extends z.ZodType, Out extends z.ZodType>({ context, change }: Session<In, Out>): string =>
  change.goAhead ? `to go on: ${context.retyped(change.words)}` : 'run it again to go on'

function takeBack<In extends z.ZodType, Out extends z.ZodType>(
  { context, change }: Session<In, Out>,
  { answers }: Reached,
  last: Progress | undefined,
): string[] {
  const ids = [...(tallyOf(answers).operation_ids ?? []), ...(last ? [last.operation_id] : [])]
  return change.undoable && ids.length > 0 ? [`${undoCommand(context, ids)} takes them back`] : []
}

/** The first Ctrl-C has hung up; the server stops after its running batch, and then its record says how far it came. */
async function interruptedAt<In extends z.ZodType, Out extends z.ZodType>(
  session: Session<In, Out>,
  reached: Reached,
  last: Progress,
): Promise<Failure> {
  const { context, change } = session
  context.print.aside('interrupted; waiting for the running batch to end, or for another Ctrl-C')
  const record = await settled(context, last.operation_id)
  const changed = reached.before + Math.max(last.affected, record?.affected ?? 0)
  const { code } = interrupted(context.io.signal)
  const said = changed === 0 ? 'nothing was changed' : change.say(jobsText(changed), true)
  if (record === undefined || record.state === 'running') {
    const hint = `to see where it stands: ${lookAt(session, last)}`
    return new Failure(code, `interrupted; ${said} before that, and the server may still finish its batch`, { hint })
  }
  const back = changed === 0 ? [] : takeBack(session, reached, last)
  const end = changed === 0 ? said : `${said} before that, and no more`
  return new Failure(code, `interrupted; ${end}`, { hint: [goOn(session), ...back].join('; ') })
}

const patienceMs = 10_000
const betweenLooksMs = 200

/** The record of an operation when it has ended, or as it is when patience ends. */
async function settled(context: Context, id: number): Promise<OperationRecord | undefined> {
  const end = now() + patienceMs
  const client = await context.newClient(AbortSignal.timeout(patienceMs)) // Ctrl-C has ended the other one
  let record: OperationRecord | undefined
  while (now() < end) {
    const answer = await client.call(getOperation, { id: String(id) }).catch(() => undefined)
    record = answer?.body ?? record
    if (record && record.state !== 'running') return record
    await sleep(betweenLooksMs)
  }
  return record
}
