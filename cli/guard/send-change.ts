import type { z } from 'zod'
import type { Progress } from '../../shared/changes/bulk-change.ts'
import { progressReporter } from '../output/progress-bar.ts'
import { type ChangeRun, countOf, countOfAll, type Previewed } from './change.ts'
import { partialResult } from './partial-result.ts'
import { bulkPart } from './tally.ts'

interface SoFar<Out extends z.ZodType> {
  /** The answers of the earlier calls of the change. */
  answers: readonly z.output<Out>[]
  /** How many jobs all calls together may touch. */
  total: number | undefined
}

/**
 * Sends one call of a confirmed change, and reports its progress.
 * @throws Failure that says how many jobs were changed before the error
 */
export async function sendChange<In extends z.ZodType, Out extends z.ZodType>(
  run: ChangeRun<In, Out>,
  request: z.input<In>,
  { answers, total }: SoFar<Out>,
): Promise<z.output<Out>> {
  const { context, client, change } = run
  const { io, settings } = context
  const before = countOfAll(change, answers)
  const reporter = progressReporter({ io, quiet: settings.quiet, say: (text) => change.say(text, true), before, total })
  let last: Progress | undefined
  const onProgress = (progress: Progress) => {
    last = progress
    reporter.report(progress)
  }
  try {
    return (await client.call(change.endpoint, request, { confirmed: true, onProgress })).body
  } catch (error) {
    reporter.clear()
    throw await partialResult(run, error, { answers, before, last })
  } finally {
    reporter.clear()
  }
}

interface Turn<In extends z.ZodType, Out extends z.ZodType> {
  at: number
  request: z.input<In>
  /** The answers of the calls before it. */
  answers: readonly z.output<Out>[]
}

/** The call to send, or the answer to its preview where it would change nothing: undefined where that is known already. */
type NextCall<In extends z.ZodType, Out extends z.ZodType> =
  | { bounded: z.input<In> }
  | { nothing: z.output<Out> | undefined }

/**
 * One call of a confirmed change with the limits that the server enforces. A call that may match more jobs since the calls before it were
 * made is previewed again. It is bound by what was confirmed: the jobs of its first preview, and those that could still join them.
 * @throws Failure that says how many jobs the calls before it have changed
 */
export async function nextCall<In extends z.ZodType, Out extends z.ZodType>(
  run: ChangeRun<In, Out>,
  previewed: Previewed<Out> | undefined,
  { at, request, answers }: Turn<In, Out>,
): Promise<NextCall<In, Out>> {
  const { context, client, change, max } = run
  const { brake } = context.settings
  const first = previewed?.answers[at]
  const joining = at > 0 && first !== undefined ? (change.inTurn?.(first) ?? 0) : 0
  const counted = previewed?.counts[at]
  if (joining === 0) {
    if (counted === 0) return { nothing: undefined }
    const preview_token = previewed?.previews?.[at]?.token
    return { bounded: change.bounded(request, preview_token === undefined ? {} : { max, preview_token, ...brake }) }
  }
  try {
    const { body } = await client.call(change.endpoint, change.preview(request))
    if (countOf(change, body) === 0) return { nothing: body }
    const preview_token = bulkPart(body).preview?.token
    return { bounded: change.bounded(request, { max: (counted ?? 0) + joining, preview_token, ...brake }) }
  } catch (error) {
    const before = countOfAll(change, answers)
    throw await partialResult(run, error, { answers, before, last: undefined })
  }
}
