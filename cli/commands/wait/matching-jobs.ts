import { Failure } from '../../../shared/errors.ts'
import { endedStates, unendedStates } from '../../../shared/jobs/ended-states.ts'
import type { Scope } from '../../../shared/scope.ts'
import type { JobId } from '../../../shared/work/job-key.ts'
import type { Context } from '../../context.ts'
import { describeFilter, type FilterFields, filterWords } from '../../settings/flags/filter-flags.ts'
import { groupedDigits } from '../../text/numbers.ts'
import { allPages } from '../list/all-pages.ts'
import { searchList } from '../list/search.ts'
import { type Goal, isOver } from './states.ts'

/** One command keeps an eye on this number of jobs at most. */
export const mostJobs = 10_000

/** The scope of a filter, without its other fields. */
export const scopeIn = ({ domain, queue, job_type }: FilterFields): Scope => ({
  ...(domain !== undefined && { domain }),
  ...(queue !== undefined && { queue }),
  ...(job_type !== undefined && { job_type }),
})

interface Matching {
  goal: Goal
  filter: FilterFields
}

/**
 * The jobs of a filter that are not yet as they are waited for; undefined where no job matches at all.
 * @throws Failure `conflict` where one of them has ended in another state already; `usage` for too many
 */
export async function matchingJobs(context: Context, { goal, filter }: Matching): Promise<JobId[] | undefined> {
  const asked = filter.status?.split(',').map((state) => state.trim().toLowerCase())
  const among = (states: readonly string[]) => states.filter((state) => asked?.includes(state) ?? true)
  const first = async (states: readonly string[], limit: string) => {
    if (states.length === 0) return []
    const request = { ...filter, status: states.join(','), limit }
    return (await searchList(context, { request, scope: scopeIn(filter) })).jobs
  }
  const goals: readonly string[] = goal === 'ended' ? endedStates : [goal]
  // Of the jobs that have ended otherwise, those that were cancelled may never have been processing.
  const others = endedStates.filter(
    (state) => !goals.includes(state) && (goal !== 'processing' || state === 'cancelled'),
  )
  const over = (await first(among(others), '10')).filter((job) => isOver(job, goal))
  const [one] = over
  if (one) throw overAlready(context, { goal, filter }, { ...one, isOnlyOne: over.length === 1 })
  const waiting: JobId[] = []
  const states = among(unendedStates.filter((state) => state !== goal))
  if (states.length > 0)
    for await (const { jobs } of allPages(context, { ...filter, status: states.join(',') })) {
      waiting.push(...jobs.map(({ id }) => id))
      if (waiting.length > mostJobs)
        throw new Failure('usage', `wait takes at most ${groupedDigits(mostJobs)} jobs, and more match`, {
          hint: 'narrow the filter; jobsctl wait --help has its flags',
        })
    }
  if (waiting.length > 0) return waiting
  return (await first(among(goals), '1')).length > 0 ? [] : undefined
}

function overAlready(
  { another }: Context,
  { goal, filter }: Matching,
  { id, status, isOnlyOne }: { id: JobId; status: string; isOnlyOne: boolean },
): Failure {
  const others = isOnlyOne ? '' : ', and others have ended, too'
  const words = ['wait', ...filterWords({ ...filter, status: unendedStates.join(',') }, true), '--for', goal]
  const text = `in ${describeFilter(filter)} job ${id} is ${status} already, and not ${goal}${others}`
  return new Failure('conflict', text, { hint: `to wait only for jobs that have not ended: ${another(words)}` })
}
