import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ago } from '../../../shared/times/time-and-size.ts'

const now = Date.parse('2026-11-24T12:00:00Z')
const before = (ms: number) => new Date(now - ms).toISOString()
const units = { s: 1, m: 60, h: 3600, d: 86_400 }

it.each([
  [0, 'just now'],
  [999, 'just now'],
  [1000, '1s ago'],
  [59_999, '59s ago'],
  [60_000, '1m ago'],
  [3_599_999, '59m ago'],
  [7_300_000, '2h ago'],
  [86_399_999, '23h ago'],
  [86_400_000, '1d ago'],
  [400 * 86_400_000, '400d ago'],
])('%i ms are %s', (ms, text) => {
  expect(ago(before(ms), now)).toBe(text)
})

it('what it tells is at most the time that has passed, and short of it by less than its unit', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1000, max: 5_000_000_000 }), (ms) => {
      const [, count = '', unit = ''] = /^(\d+)([smhd]) ago$/.exec(ago(before(ms), now)) ?? []
      const size = 1000 * (Object.entries(units).find(([name]) => name === unit)?.[1] ?? Number.NaN)
      expect(Number(count) * size).toBeLessThanOrEqual(ms)
      expect((Number(count) + 1) * size).toBeGreaterThan(ms)
    }),
  )
})

it('a clock that is behind the server is no reason for a wrong word, and what is no time stays as it is', () => {
  expect(ago(before(-5000), now)).toBe('just now')
  expect(ago('yesterday or so', now)).toBe('yesterday or so')
})
