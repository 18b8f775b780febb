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
  /** How many jobs to requeue first. */
  count: number
  /** How many milliseconds these jobs may take. */
  watchMs: number
}

type RequeueSession = Session<typeof requeue.input, typeof requeue.output>
type RequeuePreview = Previewed<typeof requeue.output>
type RequeueResult = z.output<typeof requeue.output>

/** Requeues some of the jobs, watches these canary jobs, and requeues the rest only when all canary jobs are completed. */
export const withCanaries =
  ({ count, watchMs }: Canaries) =>
  async (session: RequeueSession, previewed: RequeuePreview): Promise<Ending> => {
    const { context, change, max } = session
    const [request] = change.requests
    const preview_token = previewed.previews?.[0]?.token
    if (!request || preview_token === undefined)
      throw new Failure('internal', '--canary needs a preview token and has none; nothing was changed')
    const total = Math.min(count, previewed.total)
    const call = { ...change.bounded(request, { max, preview_token }), limit: count }
    const first = await sendChange(session, call, { answers: [], total })
    if (first.rest_token === undefined) {
      context.print.aside('note: every job was a canary job, so no job waited for the others')
      return printResult(session, previewed, [first])
    }
    await watchCanaries(session, { first, total: previewed.total, watchMs })
    const rest = change.bounded(request, { max, preview_token: first.rest_token })
    const second = await sendChange(session, rest, { answers: [first], total: previewed.total })
    return printResult(session, previewed, [first, second])
  }

interface Watching {
  first: RequeueResult
  total: number
  watchMs: number
}

/**
 * Waits until the canary jobs are completed.
 * @throws Failure `partial` where a canary job fails or time runs out, or `interrupted`
 */
async function watchCanaries(session: RequeueSession, { first, total, watchMs }: Watching): Promise<void> {
  const { context } = session
  const { print, io } = context
  const { affected, operation_id: id } = first
  if (affected === 0) throw noneLeft()
  const untouched = `the other ${groupedDigits(total - affected)} jobs were not changed`
  const done = `${session.change.say(`${groupedDigits(affected)} of ${jobsText(total)}`, true)} as canaries`
  if (id === undefined)
    throw new Failure('partial', `${done}, and cannot watch them, since the server keeps no record; ${untouched}`)
  print.aside(`${done}; watching them for ${watchMs / 1000} s`)
  const found = await watchJobs(context, { id, affected, watchMs })
  const hint = `to see their states: ${context.another(['operations', String(id)])}; to undo: ${undoCommand(context, [id])}`
  if (io.signal.aborted) {
    throw new Failure(interrupted(io.signal).code, `interrupted; ${done} before that; ${untouched}`, { hint })
  }
  if (found.verdict === 'completed') return print.aside('all canary jobs are completed; requeueing the rest')
  throw new Failure('partial', `${done}: ${wordsOf(found, watchMs)}; ${untouched}`, { hint })
}

/** The refusal where no canary job was requeued: nothing can be judged. */
const noneLeft = (): Failure =>
  new Failure(
    'conflict',
    'the canary jobs had changed since the preview, or were locked by other transactions; nothing was changed',
    {
      hint: 'run the command again; it picks other jobs',
    },
  )

function wordsOf({ verdict, text, why }: Judgement, watchMs: number): string {
  if (why !== undefined) return `${text}, then their states could not be read: ${why}`
  return verdict === 'undecided' ? `${text} after ${watchMs / 1000} s` : text
}
