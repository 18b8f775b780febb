import type { z } from 'zod'
import { countOf, type Previewed, type Session } from './change.ts'
import { partialResult } from './partial-result.ts'
import { bulkPart } from './tally.ts'

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
  session: Session<In, Out>,
  previewed: Previewed<Out> | undefined,
  { at, request, answers }: Turn<In, Out>,
): Promise<NextCall<In, Out>> {
  const { context, client, change, max } = session
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
    const before = answers.reduce<number>((sum, answer) => sum + countOf(change, answer), 0)
    throw await partialResult(session, error, { answers, before, last: undefined })
  }
}
