import type { z } from 'zod'
import type { requeue } from '../../shared/changes/requeue.ts'
import { Failure } from '../../shared/errors.ts'
import { interrupted } from '../interrupted.ts'
import { groupedDigits, jobsText } from '../output/numbers.ts'
import type { Ending } from '../output/print.ts'
import { printResult } from './apply.ts'
import { type Judgement, watchJobs } from './canary-watch.ts'
import type { Previewed, Session } from './change.ts'
import { sendChange } from './send-change.ts'
import { undoCommand } from './undo-command.ts'

interface Canaries {
  /** How many to try first. */
  count: number
  /** How long they may take. */
  watchMs: number
}

type Ours = Session<typeof requeue.input, typeof requeue.output>
type Counted = Previewed<typeof requeue.output>
type Answered = z.output<typeof requeue.output>

/** Requeues some of the jobs, looks after them, and requeues the rest only when all of those are completed. */
export const withCanaries =
  ({ count, watchMs }: Canaries) =>
  async (session: Ours, previewed: Counted): Promise<Ending> => {
    const { context, change, max } = session
    const [request] = change.requests
    const preview_token = previewed.previews?.[0]?.token
    if (!request || preview_token === undefined)
      throw new Failure('internal', 'canaries need a token; nothing was changed')
    const total = Math.min(count, previewed.total)
    const call = { ...change.bounded(request, { max, preview_token }), limit: count }
    const first = await sendChange(session, call, { answers: [], total })
    if (first.rest_token === undefined) {
      context.print.aside('note: that was all of them, and so none was held back to wait for the others')
      return printResult(session, previewed, [first])
    }
    await watched(session, { first, total: previewed.total, watchMs })
    const rest = change.bounded(request, { max, preview_token: first.rest_token })
    const second = await sendChange(session, rest, { answers: [first], total: previewed.total })
    return printResult(session, previewed, [first, second])
  }

interface Watched {
  first: Answered
  total: number
  watchMs: number
}

/**
 * Waits until the canaries are completed.
 * @throws Failure `partial` where they are not, or `interrupted`
 */
async function watched(session: Ours, { first, total, watchMs }: Watched): Promise<void> {
  const { context } = session
  const { print, io } = context
  const { affected, operation_id: id } = first
  if (affected === 0) throw noneLeft()
  const untouched = `the other ${groupedDigits(total - affected)} were not touched`
  const so = `${session.change.say(`${groupedDigits(affected)} of ${jobsText(total)}`, true)} as canaries`
  if (id === undefined) throw new Failure('partial', `${so}, and cannot watch them; ${untouched}`)
  print.aside(`${so}; watching them for ${watchMs / 1000} s`)
  const found = await watchJobs(context, { id, affected, watchMs })
  const hint = `to look: ${context.another(['operations', String(id)])}; to take them back: ${undoCommand(context, [id])}`
  if (io.signal.aborted) {
    throw new Failure(interrupted(io.signal).code, `interrupted; ${so} before that; ${untouched}`, { hint })
  }
  if (found.verdict === 'completed') return print.aside(`all canaries are completed; requeueing the rest`)
  throw new Failure('partial', `${so}: ${wordsOf(found, watchMs)}; ${untouched}`, { hint })
}

/** Without canaries there is nothing to go by. */
const noneLeft = (): Failure =>
  new Failure('conflict', 'the canaries had gone on by themselves, or were held by others; nothing was changed', {
    hint: 'run it again for others',
  })

function wordsOf({ verdict, text, why }: Judgement, watchMs: number): string {
  if (why !== undefined) return `${text}, and then could not look any more: ${why}`
  return verdict === 'undecided' ? `${text} after ${watchMs / 1000} s` : text
}
