import { expect, it } from 'vitest'
import { findingOfPolicy } from '../../../shared/doctor/findings/policy.ts'
import { earliest, latest } from '../../../shared/times/earliest.ts'

const early = '2026-11-27T10:00:18.1Z'
const late = '2026-11-27T10:00:18.105Z'

it('the earliest and the latest time are found as times, and not as texts, in which 18.1Z follows 18.105Z', () => {
  for (const times of [
    [early, late],
    [late, early],
  ]) {
    expect(earliest(times)).toBe(early)
    expect(latest(times)).toBe(late)
  }
  expect(earliest(['2026-11-27T12:00:00+02:00', '2026-11-27T11:00:00Z'])).toBe('2026-11-27T12:00:00+02:00')
  expect(earliest(['', 'soon', late])).toBe(late)
  expect([earliest([]), latest(['never'])]).toEqual([undefined, undefined])
})

it('doctor names the next run of the policy, of whichever rule it is', () => {
  const rule = (name: string, next_at: string) => ({
    ...{ name, next_at, last: null },
    rule: { name, at: '* * * * *', time_zone: 'UTC', max: 1, mode: 'apply' as const, domain: 'd' },
  })
  const policy = {
    ...{
      revision: 1,
      problem: null,
      author_until: null,
      rules: [rule('a', '2026-11-27T10:00:18.5Z'), rule('b', '2026-11-27T10:00:18Z')],
    },
    applied: { caller: 'c', name: 'n', at: early, reason: null },
  }
  expect(findingOfPolicy(policy, Date.parse('2026-11-27T10:00:05.6Z')).detail).toMatch(/the next run is in 12s$/)
})
