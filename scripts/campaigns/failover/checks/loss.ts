import type { Evidence } from '../../stress/checks/evidence.ts'
import { grouped } from '../../stress/checks/grouped.ts'
import { only } from '../../stress/journal.ts'
import { judge, type Verdict } from '../../verdict.ts'
import type { OldPrimary, Told } from '../old-primary.ts'

/** What a caller was told is done, and by what its event is known: its job, and one of these requests. */
interface Acknowledged {
  what: string
  job: number
  requests: ReadonlySet<string>
  /** The number that the job had from its maker. */
  n?: number
}

/** What callers were told, and what became of it. */
export interface Loss {
  acknowledged: number
  /** Acknowledged, and not in the database. */
  lost: readonly Acknowledged[]
  /** Jobs of which two attempts were told that they completed them. */
  doubled: readonly number[]
  /** Calls whose callers were told that nobody knows whether the change was made. */
  unknown: number
}

export function lossOf(evidence: Evidence): Loss {
  const { entries, jobs, histories } = evidence
  const rows = new Set([...jobs.values()].map(({ n }) => n))
  const enqueued = [...grouped(only(entries, 'enqueued'), ({ n }) => n)].map(([n, answers]): Acknowledged => {
    const [first] = answers
    const requests = new Set(answers.map(({ request }) => request))
    return { what: `the enqueue of job number ${n}`, n, job: first?.job ?? 0, requests }
  })
  const ends = endsOf(evidence)
  const lostEnds = ends.filter(
    ({ job, requests }) =>
      !histories.get(job)?.some(({ request_id }) => request_id !== null && requests.has(request_id)),
  )
  const lostJobs = enqueued.filter(({ n }) => n !== undefined && !rows.has(n))
  // The id of a job that is lost is given to another one, of which an attempt is no second one.
  const reused = new Set(lostJobs.map(({ job }) => job))
  const doubled = doubledOf(evidence).filter((job) => !reused.has(job))
  const unknown = only(entries, 'call').filter(({ code }) => code === 'outcome_unknown').length
  return { acknowledged: enqueued.length + ends.length, lost: [...lostJobs, ...lostEnds], doubled, unknown }
}

/** Each end of an attempt that was acknowledged, with all requests that asked for it. */
function endsOf({ entries }: Evidence): Acknowledged[] {
  const key = (end: { job: number; lease: string; action: string; token?: string | undefined }) =>
    `${end.action} of job ${end.job} under lease ${end.lease} with token ${end.token}`
  const asked = grouped(only(entries, 'finish-sent'), key)
  const acknowledged = grouped(
    only(entries, 'finished').filter(({ ok }) => ok),
    key,
  )
  return [...acknowledged].map(([what, [first]]) => ({
    ...{ what, job: first?.job ?? 0 },
    requests: new Set(asked.get(what)?.map(({ request }) => request)),
  }))
}

function doubledOf({ entries }: Evidence): number[] {
  const completed = only(entries, 'finished').filter(({ ok, action }) => ok && action === 'complete')
  const attempts = grouped(completed, ({ job }) => job)
  return [...attempts].filter(([, all]) => new Set(all.map(({ lease }) => lease)).size > 1).map(([job]) => job)
}

/** Nothing is lost, and nothing is done twice. */
export const checkNoLoss = ({ acknowledged, lost, doubled }: Loss): Verdict => ({
  claim: 'nothing acknowledged is lost or done twice',
  looked: acknowledged,
  wrong: [
    ...lost.map(({ what }) => `${what} was acknowledged, and is not there`),
    ...doubled.map((job) => `job ${job} was completed by two attempts`),
  ],
})

/** Whatever is lost or done twice was committed by the old primary where PostgreSQL cut its log off. */
export function checkExplainedLoss({ lost, doubled }: Loss, old: OldPrimary): Verdict {
  const events = grouped(old.lost, ({ job_id }) => job_id)
  const lostJobs = new Set(lost.map(({ job }) => job))
  const verdict = judge('what is lost is what PostgreSQL lost', lost, ({ what, job, requests, n }) => {
    const found = events.get(job)?.some(({ event_type, request_id }) =>
      // A repeated enqueue was answered with the job that another request had made.
      n === undefined ? request_id !== null && requests.has(request_id) : event_type === 'job.created',
    )
    return found ? undefined : `${what} was acknowledged, is not there, and the old primary did not lose it`
  })
  for (const job of doubled) {
    verdict.looked++
    if (!lostJobs.has(job)) verdict.wrong.push(`job ${job} was completed by two attempts, and neither is lost`)
  }
  return verdict
}

const nameOf = ({ id, job_id, event_type, request_id }: Told) => `${id} ${event_type} of ${job_id} by ${request_id}`

/** The new primary has every event up to the place where it took over, and none that lies behind it. */
export function checkKept({ events }: Evidence, { shared, lost }: OldPrimary): Verdict {
  const there = new Set(events.map(nameOf))
  const verdict = judge('what PostgreSQL kept is there, and nothing else of the old primary', shared, (event) =>
    there.has(nameOf(event)) ? undefined : `event ${nameOf(event)} is not there`,
  )
  verdict.looked += lost.length
  for (const event of lost) {
    if (there.has(nameOf(event))) verdict.wrong.push(`event ${nameOf(event)} is there, though it was cut off`)
  }
  return verdict
}
