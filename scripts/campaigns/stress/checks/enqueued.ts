import { only } from '../journal.ts'
import { pruned } from '../lanes.ts'
import type { Evidence } from './evidence.ts'
import { grouped } from './grouped.ts'
import { judge, type Verdict } from './verdict.ts'

/** Every job is there once, however often it was enqueued; one that was not answered, at most once. */
export function checkEnqueued({ entries, jobs, numbers }: Evidence): Verdict {
  const answered = grouped(only(entries, 'enqueued'), ({ n }) => n)
  const unanswered = new Set(only(entries, 'unanswered').map(({ n }) => n))
  const rows = grouped(jobs.values(), ({ n }) => n)
  return judge('each job is there once, however often it was enqueued', numbers, (n) => {
    const answers = answered.get(n) ?? []
    const ids = new Set([...answers.map(({ job }) => job), ...(rows.get(n) ?? []).map(({ id }) => id)])
    if (ids.size > 1) return `job number ${n} is there as ${[...ids].join(' and ')}`
    if (ids.size === 0 && !unanswered.has(n)) return `job number ${n} is not there`
    if (answers.filter(({ created }) => created).length > 1) return `job number ${n} was created more than once`
    return undefined
  })
}

/** What is not there any more was pruned, and the records of the prunes tell how many there were. */
export function checkPruned({ entries, jobs, events, histories }: Evidence): Verdict {
  const gone = [...histories.keys()].filter((id) => !jobs.has(id))
  const recorded = events
    .filter(({ event_type }) => event_type === 'jobs.pruned')
    .reduce((sum, { affected }) => sum + (affected ?? 0), 0)
  const keyed = new Set([...jobs.values()].filter(({ domain }) => domain !== pruned).map(({ n }) => n))
  const verdict = judge('what is gone was pruned', only(entries, 'enqueued'), ({ n, job }) =>
    jobs.has(job) || !keyed.has(n) ? undefined : `job ${job} is gone`,
  )
  if (recorded !== gone.length) verdict.wrong.push(`${gone.length} jobs are gone, and ${recorded} were pruned`)
  return verdict
}

/** Nothing waits for ever. */
export const checkEnded = ({ jobs, histories }: Evidence): Verdict =>
  judge('nothing waits for ever', jobs.values(), ({ id, status, domain, waits_for }) => {
    const last = histories.get(id)?.at(-1)
    return ['queued', 'processing'].includes(status)
      ? `job ${id} of ${domain} is still ${status}, since ${last?.event_type}; it waits for ${waits_for ?? 'nothing'}`
      : undefined
  })
