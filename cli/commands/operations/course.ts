import { Failure } from '../../../shared/errors.ts'
import * as endpoints from '../../../shared/records/course.ts'
import { getOperation, type OperationRecord } from '../../../shared/records/records.ts'
import { escaped } from '../../../shared/text/escape.ts'
import { answerOf } from '../../answer-of.ts'
import type { Context } from '../../context.ts'
import { changeImmediately } from '../../guard/immediate-change.ts'
import { interrupted } from '../../io.ts'
import type { Ending } from '../../output/print.ts'
import { progressReporter } from '../../output/progress-bar.ts'
import { groupedDigits, jobsText } from '../../text/numbers.ts'

/**
 * Shows the progress of an operation until it has ended, then its outcome.
 * @throws Failure `not_found`; `partial` for an operation that stopped before its end
 */
export async function followOperation(context: Context, id: string): Promise<Ending> {
  const { io, settings, print } = context
  const say = (jobs: string) => `operation ${id} changed ${jobs}`
  const reporter = progressReporter({ io, quiet: settings.quiet, say, before: 0, total: undefined })
  try {
    const answer = await answerOf(context, endpoints.followOperation, { id }, { onProgress: reporter.report })
    if (!answer) return 'ok'
  } catch (error) {
    if (!io.signal.aborted) throw error
    // Ctrl-C stops a change that runs in its command, and not one that is followed.
    const { code } = interrupted(io.signal)
    const hint = `to stop it: ${context.another(['operations', 'stop', id])}`
    throw new Failure(code, `${code}; operation ${id} was not stopped`, { hint })
  } finally {
    reporter.clear()
  }
  const { body } = await (await context.client()).call(getOperation, { id })
  print.sentence(body, outcomeOf(body), 'done')
  return 'ok'
}

function outcomeOf({ id, kind, state, affected, ...record }: OperationRecord): string {
  const { not_reached, left_for_later, skipped_by_others } = record
  const left = [
    ...(not_reached ? [`${groupedDigits(not_reached)} not reached`] : []),
    ...(left_for_later ? [`${groupedDigits(left_for_later)} left for later`] : []),
    ...(skipped_by_others
      ? [`${groupedDigits(skipped_by_others)} skipped, since others had changed or held them`]
      : []),
  ]
  return `operation ${id} (${escaped(kind)}) is ${escaped(state)}: ${[jobsText(affected), ...left].join(', ')}`
}

/**
 * Asks a running operation to stop after its batch.
 * @throws Failure `not_found`; `conflict` for an operation that has ended
 */
export async function stopOperation(context: Context, id: string): Promise<Ending> {
  const { print, another } = context
  const look = another(['operations', id])
  const body = await changeImmediately(context, { endpoint: endpoints.stopOperation, request: { id }, look })
  if (!body) return 'ok'
  if (!body.stop_requested) {
    throw new Failure('conflict', `operation ${id} has ended already (${escaped(body.state)}); nothing was stopped`, {
      hint: `to see what it changed: ${another(['operations', id])}`,
    })
  }
  print.sentence(body, `operation ${id} stops after its running batch`, 'done')
  if (print.forPeople) print.aside(`To see its end:  ${another(['operations', 'follow', id])}`)
  return 'ok'
}
