import { Failure } from '../../shared/errors.ts'
import * as endpoints from '../../shared/records/course.ts'
import { getOperation, type OperationRecord } from '../../shared/records/records.ts'
import type { Context } from '../context.ts'
import { curlOf } from '../curl.ts'
import { escaped } from '../escape.ts'
import { jobsText } from '../output/numbers.ts'
import type { Ending } from '../output/print.ts'
import { progressReporter } from '../output/progress-bar.ts'

/**
 * Shows the progress of an operation until it has ended, then its outcome.
 * @throws Failure `not_found`; `partial` for an operation that stopped before its end
 */
export async function followOperation(context: Context, id: string): Promise<Ending> {
  const { io, settings, print } = context
  if (settings.curl) {
    print.text(curlOf(context, endpoints.followOperation, { id }))
    return 'ok'
  }
  const client = await context.client()
  const say = (jobs: string) => `operation ${id} changed ${jobs}`
  const reporter = progressReporter({ io, quiet: settings.quiet, say, before: 0, total: undefined })
  try {
    await client.call(endpoints.followOperation, { id }, { onProgress: reporter.report })
  } finally {
    reporter.clear()
  }
  const { body } = await client.call(getOperation, { id })
  print.sentence(body, outcomeOf(body), 'done')
  return 'ok'
}

const outcomeOf = ({ id, kind, state, affected }: OperationRecord): string =>
  `operation ${id} (${escaped(kind)}) is ${escaped(state)}: ${jobsText(affected)}`

/**
 * Asks a running operation to stop after its batch.
 * @throws Failure `not_found`; `conflict` for an operation that has ended
 */
export async function stopOperation(context: Context, id: string): Promise<Ending> {
  const { settings, print, another } = context
  if (settings.curl) {
    print.text(curlOf(context, endpoints.stopOperation, { id }))
    return 'ok'
  }
  const { body } = await (await context.client()).call(endpoints.stopOperation, { id })
  if (!body.stop_requested) {
    throw new Failure('conflict', `operation ${id} has ended already (${escaped(body.state)}); nothing was stopped`, {
      hint: `to see what it changed: ${another(['operations', id])}`,
    })
  }
  print.sentence(body, `operation ${id} stops after its running batch`, 'done')
  if (print.forPeople) print.aside(`To see its end:  ${another(['operations', 'follow', id])}`)
  return 'ok'
}
