import fc from 'fast-check'
import { expect, it } from 'vitest'
import { faultOfTimes, isTimeZone, nextTime, timesBetween } from '../../../shared/policy/schedule.ts'

it('a rule at a time that clocks skip runs when they change, and at one that they show twice the first time', () => {
  const berlin = { at: '30 2 * * *', time_zone: 'Europe/Berlin' }
  const next = (after: string) => nextTime(berlin, new Date(after))?.toISOString()
  expect(next('2026-03-28T12:00:00Z')).toBe('2026-03-29T01:00:00.000Z')
  expect(next('2026-03-29T01:00:00Z')).toBe('2026-03-30T00:30:00.000Z')
  expect(next('2026-10-24T12:00:00Z')).toBe('2026-10-25T00:30:00.000Z')
  expect(next('2026-10-25T00:30:00Z')).toBe('2026-10-26T01:30:00.000Z')
})

it('a time in a skipped hour that ends its day has no run on that day, and one on the next', () => {
  const nuuk = { at: '30 23 * * *', time_zone: 'America/Nuuk' }
  expect(nextTime(nuuk, new Date('2026-03-28T01:30:00Z'))?.toISOString()).toBe('2026-03-30T00:30:00.000Z')
})

it('times that have passed are counted up to a hundred', () => {
  const minutely = { at: '* * * * *', time_zone: 'UTC' }
  expect(timesBetween(minutely, new Date('2020-01-01'), new Date('2026-01-01'))).toHaveLength(100)
})

it('no times and no zone are found in what is none, whatever it is', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      expect([undefined, expect.any(String)]).toContainEqual(faultOfTimes(text))
      expect(typeof isTimeZone(text)).toBe('boolean')
    }),
    { numRuns: 500 },
  )
  expect(['Europe/Berlin', 'UTC', '+02:00', '', 'Mars/Phobos'].map(isTimeZone)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ])
})
