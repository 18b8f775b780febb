import * as z from 'zod'
import { Accepted } from '../../shared/changes/bulk-change.ts'
import { Failure } from '../../shared/errors.ts'
import { outcomes } from '../../shared/outcomes.ts'
import type { Context } from '../context.ts'
import type { Ending } from '../output/print.ts'
import { progressReporter } from '../output/progress-bar.ts'
import type { ChangeRun, Previewed } from './change.ts'
import { namedEnding, namedNotes } from './named-jobs.ts'
import { withLookCommand } from './unknown-outcome.ts'

/** Prints the result of a change that the server has made before it answered. */
type PrintResult<In extends z.ZodType, Out extends z.ZodType> = (
  run: ChangeRun<In, Out>,
  previewed: Previewed<Out> | undefined,
  answers: readonly z.output<Out>[],
) => Promise<Ending>

/** An operation that goes on, and the answer as the server sent it. */
interface Detached {
  accepted: Accepted
  raw: unknown
}

/**
 * Sends a confirmed change call by call, and waits for none of them to end. A server that cannot go on without its caller makes the
 * change before it answers; the result is then printed as that of any change.
 * @throws Failure where a call is refused; the operations that have begun before it are printed
 */
export async function detachChange<In extends z.ZodType, Out extends z.ZodType>(
  run: ChangeRun<In, Out>,
  previewed: Previewed<Out> | undefined,
  printResult: PrintResult<In, Out>,
): Promise<Ending> {
  const { context, change, max } = run
  const { brake } = context.settings
  const begun: Detached[] = []
  const answers: z.output<Out>[] = []
  try {
    for (const [at, request] of change.requests.entries()) {
      if (previewed?.counts[at] === 0) continue
      const preview_token = previewed?.previews?.[at]?.token
      const bounded = change.bounded(request, preview_token === undefined ? {} : { max, preview_token, ...brake })
      const { body, raw } = await send(run, bounded, previewed?.complete ? previewed.total : undefined)
      const accepted = Accepted.safeParse(body)
      if (accepted.success) begun.push({ accepted: accepted.data, raw })
      else answers.push(change.endpoint.output.parse(body))
    }
  } finally {
    if (begun.length > 0) print(context, begun)
  }
  if (answers.length === 0) return endingOfBegun(run, previewed)
  context.print.aside('note: this server does not know --detach, and has made the change before it answered')
  return printResult(run, previewed, answers)
}

/** Jobs that are named and not there are known from the preview, before the change has ended. */
function endingOfBegun<In extends z.ZodType, Out extends z.ZodType>(
  run: ChangeRun<In, Out>,
  previewed: Previewed<Out> | undefined,
): Ending {
  const { context, change } = run
  const answers = previewed?.answers ?? []
  for (const note of namedNotes(context, change, answers).notes) context.print.aside(note)
  return namedEnding(change, answers) ?? outcomes.done.exit
}

async function send<In extends z.ZodType, Out extends z.ZodType>(
  { context, client, change }: ChangeRun<In, Out>,
  request: z.input<In>,
  total: number | undefined,
): Promise<{ body: unknown; raw: unknown }> {
  const { io, settings } = context
  const { method, path, needs, scoped, verb, input, changes } = change.endpoint
  const endpoint = {
    method,
    path,
    needs,
    scoped,
    verb,
    input,
    changes,
    output: z.union([Accepted, change.endpoint.output]),
  }
  const say = (text: string) => change.say(text, true)
  const reporter = progressReporter({ io, quiet: settings.quiet, say, before: 0, total })
  try {
    return await client.call(endpoint, request, { confirmed: true, detached: true, onProgress: reporter.report })
  } catch (error) {
    const look = `to see whether it goes on: ${context.another(['operations', '--limit', '1'])}`
    throw error instanceof Failure ? withLookCommand(error, look) : error
  } finally {
    reporter.clear()
  }
}

/** Prints the ids alone for scripts, a sentence for a person, and the next commands for both. */
function print({ print, another }: Context, begun: readonly Detached[]): void {
  const [first] = begun
  if (first && begun.length === 1) print.sentence(Object(first.raw), textOf(print.forPeople, first), 'pending')
  else {
    const raws = begun.map(({ raw }) => raw)
    if (print.structured) print.rows({ columns: [], rows: [], json: raws, empty: '' })
    else for (const one of begun) print.sentence({}, textOf(print.forPeople, one), 'pending')
  }
  for (const { accepted } of begun) {
    const id = String(accepted.operation_id)
    print.aside(`To follow it:  ${another(['operations', 'follow', id])}`)
    print.aside(`To stop it:    ${another(['operations', 'stop', id])}`)
  }
}

const textOf = (forPeople: boolean, { accepted: { operation_id: id } }: Detached): string =>
  forPeople ? `operation ${id} goes on without this command` : String(id)
