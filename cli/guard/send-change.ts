import type { z } from 'zod'
import type { Progress } from '../../shared/changes/bulk-change.ts'
import { progressReporter } from '../output/progress-bar.ts'
import { countOf, type Session } from './change.ts'
import { partialResult } from './partial-result.ts'

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
  session: Session<In, Out>,
  request: z.input<In>,
  { answers, total }: SoFar<Out>,
): Promise<z.output<Out>> {
  const { context, client, change } = session
  const { io, settings } = context
  const before = answers.reduce<number>((sum, answer) => sum + countOf(change, answer), 0)
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
    throw await partialResult(session, error, { answers, before, last })
  } finally {
    reporter.clear()
  }
}
