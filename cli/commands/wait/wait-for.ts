import { Failure } from '../../../shared/errors.ts'
import type { JobId } from '../../../shared/work/job-key.ts'
import type { Context } from '../../context.ts'
import { noteUnknownScope, refuseUnknownScope } from '../../guard/known-scope.ts'
import type { Ending } from '../../output/print.ts'
import { poll } from '../../poll.ts'
import { describeFilter, type FilterFields, filterWords } from '../../settings/flags/filter-flags.ts'
import { groupedDigits, jobsText } from '../../text/numbers.ts'
import { matchingJobs, mostJobs, scopeIn } from './matching-jobs.ts'
import { type Goal, isOver, isReached, readStates, type Seen } from './states.ts'
import { waitingLine } from './waiting-line.ts'

/** What is waited for. */
export interface Wanted {
  goal: Goal
  /** The jobs; undefined for those of the filter. */
  ids: readonly JobId[] | undefined
  filter: FilterFields
  mustExist: boolean
}

/** A look is made after the first pause, and after longer ones from then on, so that a long wait costs a server little. */
const [firstPauseMs, longestPauseMs] = [250, 5000]

/**
 * Waits until all jobs are in the wanted state. The first look fails where the server is away; later ones are made again.
 * @throws Failure `conflict` for a job that has ended in another state; `not_found` for one that is not there; `timed_out`
 */
export async function waitFor(context: Context, wanted: Wanted): Promise<Ending> {
  const { io, settings } = context
  const named = wanted.ids?.length ?? 0
  if (named > mostJobs)
    throw new Failure(
      'usage',
      `wait takes at most ${groupedDigits(mostJobs)} jobs, and ${groupedDigits(named)} are named`,
      {
        hint: 'wait for them in parts, one after the other',
      },
    )
  const overdue = AbortSignal.timeout(settings.timeoutMs)
  const signal = AbortSignal.any([io.signal, overdue])
  const all = wanted.ids ?? (await matchingJobs(context, wanted))
  if (all === undefined) return nothingToWaitFor(context, wanted)
  const line = waitingLine(context, wanted.goal, all.length)
  let waiting: Seen[] = all.map((id) => ({ id, status: undefined }))
  let pauseMs = firstPauseMs
  const look = async (): Promise<Ending | undefined> => {
    const begin = performance.now()
    const client = await context.newClient(signal)
    const seen = await readStates(client, waiting, wanted.filter.domain)
    const over = seen.filter((job) => isOver(job, wanted.goal))
    if (over.length > 0) throw endedOtherwise(context, wanted, over)
    waiting = seen.filter((job) => !isReached(job, wanted.goal))
    line.show(waiting)
    // A look at many jobs takes a server longer, and is made more rarely.
    pauseMs = Math.min(longestPauseMs, Math.max(1.5 * pauseMs, 10 * (performance.now() - begin)))
    return waiting.length === 0 ? 'ok' : undefined
  }
  try {
    const ending = (await look()) ?? (await poll(context, { pauseMs: () => pauseMs, signal, look }))
    line.clear()
    if (ending === 'ok') tellReached(context, wanted, all)
    return ending
  } catch (error) {
    line.clear()
    if (overdue.aborted && !io.signal.aborted) throw timedOut(context, wanted, waiting, error)
    throw error
  }
}

async function nothingToWaitFor(context: Context, { filter, mustExist, goal }: Wanted): Promise<Ending> {
  const { print } = context
  if (mustExist) await refuseUnknownScope(context, scopeIn(filter))
  if (print.structured) print.json({ for: goal, reached: true, count: 0 })
  if (!print.forPeople) return 'ok'
  print.aside(`no job matches in ${describeFilter(filter)}`)
  await noteUnknownScope(context, scopeIn(filter))
  return 'ok'
}

function tellReached({ print }: Context, { goal }: Wanted, all: readonly JobId[]): void {
  if (print.structured) print.json({ for: goal, reached: true, count: all.length })
  else if (print.forPeople) print.result(`${reachedText(goal, all)}\n`)
}

function reachedText(goal: Goal, all: readonly JobId[]): string {
  const [only, ...others] = all
  const [one, several] = goal === 'ended' ? ['has ended', 'have ended'] : [`is ${goal}`, `are ${goal}`]
  if (only === undefined) return `every job that matches ${one}`
  return others.length === 0 ? `job ${only} ${one}` : `${jobsText(all.length)} ${several}`
}

const mostNamed = 10

/** The words of the command that waits for the same jobs. */
const wordsOf = ({ ids, filter, goal }: Wanted): string[] => [
  'wait',
  ...(ids === undefined || ids.length > mostNamed ? [] : ids.map(String)),
  ...filterWords(filter, ids === undefined),
  ...(goal === 'completed' ? [] : ['--for', goal]),
]

function endedOtherwise({ another }: Context, { goal, filter: { domain } }: Wanted, over: readonly Seen[]): Failure {
  const named = over
    .slice(0, mostNamed)
    .map(({ id, status, error_code: code }) => `job ${id} is ${status}${code ? ` (${code})` : ''}`)
  const more = over.length > mostNamed ? `, and ${groupedDigits(over.length - mostNamed)} more have ended` : ''
  const [first] = over
  return new Failure('conflict', `${named.join(', ')}${more}, and not ${goal}`, {
    hint: another(['show', String(first?.id), ...(domain === undefined ? [] : filterWords({ domain }))]),
  })
}

function timedOut({ another, settings }: Context, wanted: Wanted, waiting: readonly Seen[], cause: unknown): Failure {
  const [only, ...others] = waiting
  const who =
    others.length === 0 && only !== undefined
      ? `job ${only.id} is ${only.status ?? 'not known to be'}${only.status ? ', and not' : ''} ${wanted.goal}`
      : `${jobsText(waiting.length)} ${waiting.length === 1 ? 'is' : 'are'} not ${wanted.goal}`
  const again = wanted.ids !== undefined && wanted.ids.length > mostNamed ? undefined : another(wordsOf(wanted))
  return new Failure('timed_out', `${who} after ${settings.timeoutMs / 1000} s`, {
    hint: `${again === undefined ? '' : `to wait on: ${again}; `}--timeout gives it more time`,
    cause,
  })
}
