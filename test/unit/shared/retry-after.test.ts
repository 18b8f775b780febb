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
  { text: 'Wednesday, 21-Oct-15 07:28:00 GMT', seconds: 0 },
  { text: 'Wed Oct 21 07:28:00 2015', seconds: 0 },
  { text: 'Sun Nov  6 08:49:37 1994', seconds: 0 },
])('Retry-After $text asks for $seconds seconds', ({ text, seconds }) => {
  expect(secondsOf(text)).toBe(seconds)
})

it.each([
  { form: 'RFC 9110', written: (at: Date) => at.toUTCString() },
  {
    form: 'RFC 850',
    written: (at: Date) => {
      const [, day, month, year = '', time] = at.toUTCString().split(' ')
      return `${at.toLocaleDateString('en', { weekday: 'long', timeZone: 'UTC' })}, ${day}-${month}-${year.slice(2)} ${time} GMT`
    },
  },
  {
    form: 'asctime',
    written: (at: Date) => {
      const [weekday, , month, year, time] = at.toUTCString().replace(',', '').split(' ')
      return `${weekday} ${month} ${String(at.getUTCDate()).padStart(2)} ${time} ${year}`
    },
  },
])(
  'a date in the form of $form is so many whole seconds from now, whatever the time zone of this machine',
  ({ written }) => {
    const seconds = secondsOf(written(new Date(Date.now() + 90_000)))
    expect(seconds).toBeGreaterThan(80)
    expect(seconds).toBeLessThanOrEqual(90)
    expect(Number.isInteger(seconds)).toBe(true)
  },
)
