import * as z from 'zod'
import { Failure } from '../../shared/errors.ts'
import { outcomes } from '../../shared/outcomes.ts'
import { Count } from '../../shared/scope.ts'
import { interrupted } from '../io.ts'
import type { Ending } from '../output/print.ts'
import type { Canaries } from '../settings/flags/canary-flags.ts'
import { groupedDigits, jobsText } from '../text/numbers.ts'
import { printResult } from './apply.ts'
import { type Judgement, watchJobs } from './canary-watch.ts'
import type { ChangeRun, Previewed } from './change.ts'
import { sendChange } from './send-change.ts'
import { undoCommand } from './undo-command.ts'

/** The fields of an answer that canary jobs need. */
const FirstAnswer = z.object({
  affected: Count,
  operation_id: z.number().optional(),
  /** Further jobs that came back with the canary jobs. */
  dependents: Count.optional(),
  rest_token: z.string().optional(),
})
type FirstAnswer = z.output<typeof FirstAnswer>

const everyJobWasOne = 'note: every job was a canary job, so no job waited for the others'
const keyIsGone =
  'note: the key of the preview was rotated away meanwhile, so the other jobs stay as they are; type the command again for them'

/** Changes some of the jobs, watches these canary jobs, and changes the rest only when all canary jobs are completed. */
export const withCanaries =
  ({ count, watchMs }: Pick<Canaries, 'count' | 'watchMs'>) =>
  async <In extends z.ZodType, Out extends z.ZodType>(
    run: ChangeRun<In, Out>,
    previewed: Previewed<Out>,
  ): Promise<Ending> => {
    const { context, change, max } = run
    const [request] = change.requests
    const preview_token = previewed.previews?.[0]?.token
    if (!request || preview_token === undefined)
      throw new Failure('internal', '--canary needs a preview token and has none; nothing was changed')
    const total = Math.min(count, previewed.total)
    const bounded = (token: string) => change.bounded(request, { max, preview_token: token, ...context.settings.brake })
    const calls = change.canaryCalls?.(request) ?? {
      first: Object.assign({}, bounded(preview_token), { limit: count }),
      rest: bounded,
    }
    const answer = await sendChange(run, calls.first, { answers: [], total })
    const first = FirstAnswer.parse(answer)
    if (first.rest_token === undefined) {
      const isLeft = first.affected < previewed.total
      context.print.aside(isLeft ? keyIsGone : everyJobWasOne)
      const ending = await printResult(run, previewed, [answer])
      return isLeft ? outcomes.othersLeft.exit : ending
    }
    const later = change.othersLater?.(first.rest_token)
    await watchCanaries(run, { first, total: previewed.total, watchMs, later })
    const second = await sendChange(run, calls.rest(first.rest_token), {
      answers: [answer],
      total: previewed.total,
    })
    return printResult(run, previewed, [answer, second])
  }

interface Watching {
  first: FirstAnswer
  total: number
  watchMs: number
  /** What can be done about the others, as a clause; undefined where only the command itself goes on. */
  later: string | undefined
}

/**
 * Waits until the canary jobs are completed.
 * @throws Failure `partial` where a canary job fails or time runs out, or `interrupted`
 */
async function watchCanaries<In extends z.ZodType, Out extends z.ZodType>(
  run: ChangeRun<In, Out>,
  { first, total, watchMs, later }: Watching,
): Promise<void> {
  const { context } = run
  const { print, io } = context
  const { affected, operation_id: id, dependents = 0 } = first
  if (affected === 0) throw noneLeft(later)
  const untouched = `the other ${groupedDigits(total - affected)} jobs were not changed`
  const done = `${run.change.say(`${groupedDigits(affected)} of ${jobsText(total)}`, true)} as canaries`
  if (id === undefined)
    throw new Failure('partial', `${done}, and cannot watch them, since the server keeps no record; ${untouched}`)
  print.aside(`${done}; watching them for ${watchMs / 1000} s`)
  // Printed before the watch, since a process that is killed prints nothing any more.
  if (later !== undefined) print.aside(`if this command ends before the others are changed: ${later}`)
  const found = await watchJobs(context, { id, affected: affected + dependents, watchMs })
  const hint = `to see their states: ${context.another(['operations', String(id)])}; to undo: ${undoCommand(context, [id])}${later === undefined ? '' : `; ${later}`}`
  if (io.signal.aborted) {
    const { code } = interrupted(io.signal)
    throw new Failure(code, `${code}; ${done} before that; ${untouched}`, { hint })
  }
  if (found.verdict === 'completed') return print.aside('all canary jobs are completed; going on with the rest')
  throw new Failure('partial', `${done}: ${wordsOf(found, watchMs)}; ${untouched}`, { hint })
}

/** The refusal where no canary job was changed: nothing can be judged. */
const noneLeft = (later = 'run the command again; it picks other jobs'): Failure =>
  new Failure(
    'conflict',
    'the canary jobs had changed since the preview, or were locked by other transactions; nothing was changed',
    { hint: later },
  )

function wordsOf({ verdict, text, why }: Judgement, watchMs: number): string {
  if (why !== undefined) return `${text}, then their states could not be read: ${why}`
  return verdict === 'undecided' ? `${text} after ${watchMs / 1000} s` : text
}
