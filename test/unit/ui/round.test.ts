import { expect, it } from 'vitest'
import { roundUpTime, timesWithin } from '../../../ui/parts/round.ts'

it('a chart of times is as high as a time whose half is round, too', () => {
  expect([0.0042, 0.4, 1, 1.2, 7, 45, 61, 2100, 4000, 50_000, 90_000, 1_000_000].map(roundUpTime)).toEqual([
    0.005, 0.4, 1, 2, 10, 60, 120, 3600, 7200, 86_400, 172_800, 1_036_800,
  ])
})

it.each([
  ['an hour', '2026-12-01T18:50:00Z', '2026-12-01T19:55:00Z', 0, ['19:00', '19:15', '19:30', '19:45']],
  ['six hours', '2026-12-01T13:50:00Z', '2026-12-01T19:55:00Z', 0, ['14:00', '16:00', '18:00']],
  [
    'a day, half an hour off',
    '2026-12-01T00:00:00Z',
    '2026-12-02T00:00:00Z',
    330,
    ['00:30', '06:30', '12:30', '18:30'],
  ],
])('the times below %s are round by the clock that is shown', (_what, from, to, ahead, clocks) => {
  const shown = timesWithin({ from, to }, ahead).map((time) => new Date(time).toISOString().slice(11, 16))
  expect(shown).toEqual(clocks)
})
