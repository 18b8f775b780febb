import { expect, it } from 'vitest'
import { secondsOf } from '../../../shared/retry-after.ts'

it.each([
  ...['-5', '0.5', '1, 3', 'soon', '', '1e3', '5 s', 'Wed, 21 Oct 2015', '2026-11-27T10:00:00Z'].map((text) => ({
    text,
    seconds: undefined,
  })),
  { text: undefined, seconds: undefined },
  { text: null, seconds: undefined },
  { text: '0', seconds: 0 },
  { text: ' 120 ', seconds: 120 },
  { text: 'Wed, 21 Oct 2015 07:28:00 GMT', seconds: 0 },
])('Retry-After $text asks for $seconds seconds', ({ text, seconds }) => {
  expect(secondsOf(text)).toBe(seconds)
})

it('a date of HTTP is so many whole seconds from now', () => {
  const seconds = secondsOf(new Date(Date.now() + 90_000).toUTCString())
  expect(seconds).toBeGreaterThan(80)
  expect(seconds).toBeLessThanOrEqual(90)
  expect(Number.isInteger(seconds)).toBe(true)
})
