import { setImmediate } from 'node:timers/promises'
import type { Rule } from '../../../../shared/policy/rule.ts'
import { timesBetween } from '../../../../shared/policy/schedule.ts'
import type { SimulatedDay } from '../../../../shared/policy/simulate.ts'

/** The days of a simulation, in milliseconds since 1970. */
export interface Window {
  from: number
  to: number
}

/** The most runs of one rule: those of eight days at every minute. */
export const mostRuns = 11_520
const hour = 3_600_000

/**
 * The times at which a rule would have run, the earliest first. Other calls go on in between, since each time takes about 60 µs.
 * @returns undefined where there are more than `mostRuns`
 */
export async function runsOf(rule: Rule, { from, to }: Window): Promise<Date[] | undefined> {
  const runs: Date[] = []
  for (let at = from; at < to; at += hour) {
    runs.push(...timesBetween(rule, new Date(at), new Date(Math.min(at + hour, to))))
    if (runs.length > mostRuns) return undefined
    await setImmediate()
  }
  return runs
}

/** Jobs that came under a rule before the same run, and that were under it until the same run. Runs count from 1. */
export interface Cohort {
  first: number
  last: number
  jobs: number
}

/**
 * What the runs of a rule would have taken, day by day: each takes `max` jobs, those first that are under the rule for longest.
 * @param cohorts in the order of `first`
 */
export function playRuns({ max, time_zone }: Rule, runs: readonly Date[], cohorts: readonly Cohort[]): SimulatedDay[] {
  const dayOf = new Intl.DateTimeFormat('en-CA', { timeZone: time_zone })
  const coming = cohorts.map((cohort) => ({ ...cohort }))
  let next = 0
  const days: SimulatedDay[] = []
  let waiting: Cohort[] = []
  for (const [index, time] of runs.entries()) {
    const run = index + 1
    const before = next
    while ((coming[next]?.first ?? Number.POSITIVE_INFINITY) <= run) next += 1
    const arrived = coming.slice(before, next)
    const matched = sumOfJobs(arrived)
    const there = [...waiting.filter(({ last }) => last >= run), ...arrived]
    const taken = take(there, max)
    waiting = there.filter(({ jobs }) => jobs > 0)
    const name = dayOf.format(time)
    const day = days.at(-1)?.day === name ? days.at(-1) : undefined
    const today = day ?? { day: name, runs: 0, matched: 0, would_change: 0, left: 0 }
    if (!day) days.push(today)
    today.runs += 1
    today.matched += matched
    today.would_change += taken
    today.left = sumOfJobs(waiting)
  }
  return days
}

/** Takes up to `max` jobs out of cohorts, the first ones first. @returns how many */
function take(cohorts: readonly Cohort[], max: number): number {
  let taken = 0
  for (const cohort of cohorts) {
    const jobs = Math.min(cohort.jobs, max - taken)
    cohort.jobs -= jobs
    taken += jobs
  }
  return taken
}

const sumOfJobs = (cohorts: readonly Cohort[]): number => cohorts.reduce((sum, { jobs }) => sum + jobs, 0)
