import { expect, it } from 'vitest'
import { ordinal } from '../../../shared/explain/phrases.ts'
import { clockText, spanText, whenText } from '../../../shared/times/time-and-size.ts'

it.each([
  [-5, '0s'],
  [0.4, '0s'],
  [59.6, '1m'],
  [61, '1m 1s'],
  [3600, '1h'],
  [3605, '1h'],
  [4320, '1h 12m'],
  [86_400 * 3 + 7260, '3d 2h'],
])('%d seconds are %s', (seconds, text) => expect(spanText(seconds)).toBe(text))

it.each([
  ['2026-01-02T03:04:05.9Z', '2026-01-02 03:04:05 UTC', 'in 5s'],
  ['2026-01-02T03:03:00Z', '2026-01-02 03:03:00 UTC', '1m ago'],
  ['infinity', 'infinity', 'infinity'],
])('%s is %s, %s', (time, clock, when) => {
  expect([clockText(time), whenText(time, Date.parse('2026-01-02T03:04:01Z'))]).toEqual([clock, when])
})

it('a number has its ending', () => {
  expect([1, 2, 3, 4, 11, 12, 13, 21, 102, 113, 1003].map(ordinal)).toEqual([
    ...['1st', '2nd', '3rd', '4th', '11th', '12th', '13th', '21st', '102nd', '113th', '1,003rd'],
  ])
})
