import { describe, expect, it } from 'vitest'
import { playRuns, runsOf } from '../../../server/endpoints/policy/simulate/runs.ts'
import { Rule } from '../../../shared/policy/rule.ts'

const day = 86_400_000
const ruleAt = (at: string, max = 10) =>
  Rule.parse({
    ...{ name: 'r', all: true, at, time_zone: 'Europe/Berlin', max, mode: 'apply' },
    prune: { statuses: ['failed'], older_than_days: 1 },
  })
const from = Date.parse('2026-10-24T00:00:00Z')

describe('the runs of a simulated rule', () => {
  it('are those of its clocks, also over a change of the clocks', async () => {
    const runs = await runsOf(ruleAt('30 2 * * *'), { from, to: from + 3 * day })
    expect(runs?.map((run) => run.toISOString())).toEqual([
      '2026-10-24T00:30:00.000Z',
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ])
  })

  it('are none at all where there are too many', async () => {
    expect(await runsOf(ruleAt('* * * * *'), { from, to: from + 9 * day })).toBeUndefined()
    expect(await runsOf(ruleAt('* * * * *'), { from, to: from + 3_600_000 })).toHaveLength(60)
  })

  it('take the earliest jobs first, by max, and never those that have left the rule', async () => {
    const rule = ruleAt('0 6,18 * * *', 10)
    const runs = (await runsOf(rule, { from, to: from + 2 * day })) ?? []
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
})
