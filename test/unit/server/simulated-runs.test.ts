import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Cohort, mostRuns, playRuns, runsOf } from '../../../server/endpoints/policy/simulate/runs.ts'
import { Rule } from '../../../shared/policy/rule.ts'
import { timesBetween } from '../../../shared/policy/schedule.ts'

const day = 86_400_000
const ruleAt = (at: string, max = 10) =>
  Rule.parse({
    ...{ name: 'r', all: true, at, time_zone: 'Europe/Berlin', max, mode: 'apply' },
    prune: { statuses: ['failed'], older_than_days: 1 },
  })
const from = Date.parse('2026-10-24T00:00:00Z')
const timesOf = async (rule: Rule, days: number): Promise<Date[]> => {
  const runs = await runsOf(rule, { from, to: from + days * day })
  if (typeof runs === 'string') throw new Error(`there are no runs: ${runs}`)
  return runs
}

describe('the runs of a simulated rule', () => {
  it('are those of its clocks, also over a change of the clocks', async () => {
    const runs = await timesOf(ruleAt('30 2 * * *'), 3)
    expect(runs.map((run) => run.toISOString())).toEqual([
      '2026-10-24T00:30:00.000Z',
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ])
  })

  it.each(['* * * * *', '*/7 * * * *', '15,45 1-3 * * *', '0 0 29 2 *'])('are all times of %s', async (at) => {
    const hours = Array.from({ length: 48 }, (_, hour) => from + hour * 3_600_000)
    const times = hours.flatMap((hour) => timesBetween(ruleAt(at), new Date(hour), new Date(hour + 3_600_000)))
    expect(await timesOf(ruleAt(at), 2)).toEqual(times)
  })

  it('are none at all where there are too many, or where the time is over', async () => {
    const minutes = ruleAt('* * * * *')
    expect(await runsOf(minutes, { from, to: from + (mostRuns + 1) * 60_000 })).toBe('many')
    let looks = 0
    const isLate = () => {
      looks += 1
      return looks > 2
    }
    expect(await runsOf(minutes, { from, to: from + day }, isLate)).toBe('late')
    expect(looks).toBe(3)
  })

  it('take the earliest jobs first, by max, and never those that have left the rule', async () => {
    const rule = ruleAt('0 6,18 * * *', 10)
    const runs = await timesOf(rule, 2)
    expect(runs).toHaveLength(4)
    const cohorts = [
      { first: 1, last: 4, jobs: 15 },
      { first: 2, last: 2, jobs: 12 },
      { first: 3, last: 4, jobs: 1 },
    ]
    expect(playRuns(rule, runs, cohorts)).toEqual([
      { day: '2026-10-24', runs: 2, matched: 27, would_change: 20, left: 7 },
      { day: '2026-10-25', runs: 2, matched: 1, would_change: 1, left: 0 },
    ])
  })

  it('take what a look at each job at each run would take', async () => {
    const runs = await timesOf(ruleAt('0 * * * *'), 2)
    const cohort = fc
      .record({ first: fc.integer({ min: 1, max: 48 }), stays: fc.nat(48), jobs: fc.integer({ min: 1, max: 9 }) })
      .map(({ first, stays, jobs }) => ({ first, last: Math.min(48, first + stays), jobs }))
    fc.assert(
      fc.property(fc.array(cohort, { maxLength: 40 }), fc.integer({ min: 1, max: 20 }), (unsorted, max) => {
        const cohorts = unsorted.toSorted((one, other) => one.first - other.first || one.last - other.last)
        const days = playRuns(ruleAt('0 * * * *', max), runs, cohorts)
        const total = (of: 'matched' | 'would_change') => days.reduce((sum, counted) => sum + counted[of], 0)
        const model = takenJobByJob(cohorts, max)
        expect([total('matched'), total('would_change'), days.at(-1)?.left]).toEqual(model)
      }),
    )
  })
})

/** How many jobs came, how many the 48 runs took, and how many the last run left. */
function takenJobByJob(cohorts: readonly Cohort[], max: number): number[] {
  const jobs = cohorts.flatMap(({ jobs, ...stay }) => Array.from({ length: jobs }, () => ({ ...stay })))
  let waiting = jobs
  let taken = 0
  for (let run = 1; run <= 48; run += 1) {
    const there = waiting.filter(({ first, last }) => first <= run && run <= last).slice(0, max)
    taken += there.length
    waiting = waiting.filter((job) => !there.includes(job))
  }
  return [jobs.length, taken, waiting.filter(({ last }) => last === 48).length]
}
