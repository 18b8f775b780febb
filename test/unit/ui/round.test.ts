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
  const shown = timesWithin({ from, to }, () => ahead).map((time) => new Date(time).toISOString().slice(11, 16))
  expect(shown).toEqual(clocks)
})

it.each([
  [
    'set back, every 30 minutes',
    'Europe/Berlin',
    '2030-10-27T00:15:00Z',
    '2030-10-27T02:15:00Z',
    '02:30 02:00 02:30 03:00',
  ],
  [
    'set back, every two hours',
    'Europe/Berlin',
    '2030-10-26T22:00:00Z',
    '2030-10-27T06:00:00Z',
    '00:00 02:00 04:00 06:00',
  ],
  [
    'set forward, every two hours',
    'Europe/Berlin',
    '2030-03-30T21:00:00Z',
    '2030-03-31T07:00:00Z',
    '22:00 00:00 04:00 06:00 08:00',
  ],
  [
    'set back by half an hour',
    'Australia/Lord_Howe',
    '2030-04-06T12:00:00Z',
    '2030-04-06T18:00:00Z',
    '23:00 00:00 01:00 02:00 03:00 04:00',
  ],
  [
    'set back for some of its days',
    'Europe/Berlin',
    '2030-10-24T22:00:00Z',
    '2030-10-29T23:00:00Z',
    '00:00 00:00 00:00 00:00 00:00 00:00',
  ],
])('the times below stay round where the clock is %s', (_what, timeZone, from, to, clocks) => {
  const clock = new Intl.DateTimeFormat('en-GB', { timeZone, timeStyle: 'short' })
  const shown = timesWithin({ from, to }, aheadIn(timeZone)).map((time) => clock.format(time))
  expect(shown.join(' ')).toBe(clocks)
})

/** How many minutes the clock of a zone is ahead of UTC at a time. */
const aheadIn = (timeZone: string) => (time: number) => {
  const shown = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' }).format(time)
  return Math.round((Date.parse(`${shown.replace(' ', 'T')}Z`) - time) / 60_000)
}
