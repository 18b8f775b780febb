import { setImmediate } from 'node:timers/promises'
import type { Rule } from '../../../../shared/policy/rule.ts'
import { timesFrom } from '../../../../shared/policy/schedule.ts'
import type { SimulatedDay } from '../../../../shared/policy/simulate.ts'

/** The days of a simulation, in milliseconds since 1970. */
export interface Window {
  from: number
  to: number
}

/** The most runs of one rule: those of eight days at every minute. */
export const mostRuns = 11_520
const runsAtOnce = 60

/**
 * The times at which a rule would have run, the earliest first. Other calls go on in between, since each time takes about 60 µs.
 * @param isLate asked in between: true ends the search
 * @returns why there are no times, as a clause: they are more than `mostRuns`, or the search was ended
 */
export async function runsOf(
  rule: Rule,
  { from, to }: Window,
  isLate: () => boolean = () => false,
): Promise<Date[] | 'many' | 'late'> {
  const runs: Date[] = []
  if (isLate()) return 'late'
  for (const at of timesFrom(rule, new Date(from))) {
    if (at.getTime() > to) break
    if (runs.length === mostRuns) return 'many'
    runs.push(at)
    if (runs.length % runsAtOnce > 0) continue
    await setImmediate()
    if (isLate()) return 'late'
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
  const line = lineOf(cohorts)
  const days: SimulatedDay[] = []
  for (const [index, time] of runs.entries()) {
    const { matched, taken, left } = line.run(index + 1, max)
    const name = dayOf.format(time)
    const day = days.at(-1)?.day === name ? days.at(-1) : undefined
    const today = day ?? { day: name, runs: 0, matched: 0, would_change: 0, left: 0 }
    if (!day) days.push(today)
    today.runs += 1
    today.matched += matched
    today.would_change += taken
    today.left = left
  }
  return days
}

/** The jobs that wait for a run, those first that came first. All runs together look at each cohort a few times. */
function lineOf(cohorts: readonly Cohort[]) {
  const line = cohorts.map((cohort) => ({ ...cohort }))
  const leaving = line.toSorted((one, other) => one.last - other.last)
  // Of `line` the cohorts before `head` are taken or have left, and those from `next` on come later; of `leaving` those before `gone` have left.
  let [head, next, gone, left] = [0, 0, 0, 0]
  const run = (run: number, max: number) => {
    for (let cohort = leaving[gone]; cohort && cohort.last < run; cohort = leaving[gone]) {
      left -= cohort.jobs
      cohort.jobs = 0
      gone += 1
    }
    let matched = 0
    for (let cohort = line[next]; cohort && cohort.first <= run; cohort = line[next]) {
      matched += cohort.jobs
      next += 1
    }
    left += matched
    let taken = 0
    for (let cohort = line[head]; cohort && head < next && taken < max; cohort = line[head]) {
      const jobs = Math.min(cohort.jobs, max - taken)
      cohort.jobs -= jobs
      taken += jobs
      if (cohort.jobs === 0) head += 1
    }
    left -= taken
    return { matched, taken, left }
  }
  return { run }
}
