import { judge, type Verdict } from '../../verdict.ts'
import { only } from '../journal.ts'
import { prunedDomain } from '../queues.ts'
import type { Evidence } from './evidence.ts'
import { grouped } from './grouped.ts'

/**
 * Checks that each job exists once, although it was enqueued repeatedly. A job with an unknown outcome may be missing.
 */
export function checkEnqueued({ entries, jobs, numbers }: Evidence): Verdict {
  const acknowledged = grouped(only(entries, 'enqueued'), ({ n }) => n)
  const unknown = new Set(only(entries, 'unknown-outcome').map(({ n }) => n))
  const rows = grouped(jobs.values(), ({ n }) => n)
  return judge('each job exists once, although it was enqueued repeatedly', numbers, (n) => {
    const results = acknowledged.get(n) ?? []
    const ids = new Set([...results.map(({ job }) => job), ...(rows.get(n) ?? []).map(({ id }) => id)])
    if (ids.size > 1) return `job number ${n} exists as ${[...ids].join(' and ')}`
    if (ids.size === 0 && !unknown.has(n)) return `job number ${n} is missing`
    if (results.filter(({ created }) => created).length > 1) return `job number ${n} was created more than once`
    return undefined
  })
}

/** Checks that a prune deleted each missing job, and that the events of the prunes have the same number of jobs. */
export function checkPruned({ entries, jobs, events, histories }: Evidence): Verdict {
  const missing = [...histories.keys()].filter((id) => !jobs.has(id))
  const recorded = events
    .filter(({ event_type }) => event_type === 'jobs.pruned')
    .reduce((sum, { affected }) => sum + (affected ?? 0), 0)
  const kept = new Set([...jobs.values()].filter(({ domain }) => domain !== prunedDomain).map(({ n }) => n))
  const verdict = judge('each missing job was pruned', only(entries, 'enqueued'), ({ n, job }) =>
    jobs.has(job) || !kept.has(n) ? undefined : `job ${job} is missing`,
  )
  if (recorded !== missing.length) {
    verdict.wrong.push(`${missing.length} jobs are missing, but the prunes deleted ${recorded}`)
  }
  return verdict
}

/** Checks that no job is queued or processing at the end. */
export const checkEnded = ({ jobs, histories }: Evidence): Verdict =>
  judge('each job has ended', jobs.values(), ({ id, status, domain, waits_for }) => {
    const last = histories.get(id)?.at(-1)
    return ['queued', 'processing'].includes(status)
      ? `job ${id} of ${domain} is still ${status}, since ${last?.event_type}; it depends on ${waits_for ?? 'no unfinished job'}`
      : undefined
  })
