import type { z } from 'zod'
import type { Context } from '../context.ts'
import { curlOf } from '../curl.ts'
import type { Ending } from '../output/print.ts'
import type { Bound, BulkChange } from './change.ts'

/** Prints the calls of a change instead of sending them; `tokens` are the preview tokens of a plan, one for each call. */
export function printCurl<In extends z.ZodType, Out extends z.ZodType>(
  context: Context,
  change: BulkChange<In, Out>,
  tokens: readonly string[] = [],
): Ending {
  const { settings, print } = context
  for (const [at, request] of change.requests.entries()) {
    const bound: Bound = { max: settings.max, preview_token: tokens[at], ...settings.brake }
    const shown = settings.yes ? change.bounded(request, bound) : change.preview(request)
    print.text(curlOf(context, change.endpoint, shown, settings.yes))
  }
  return 'ok'
}
