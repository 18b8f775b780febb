import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { nextTime, timesBetween } from '../../shared/policy/schedule.ts'

const runs = Number(process.env.PROPERTY_RUNS ?? 200)
const dayMs = 86_400_000

/** Zones whose clocks change at midnight, by half an hour, in the southern summer, by skipping a day, or not at all. */
const zones = [
  ...['UTC', 'Europe/Berlin', 'America/New_York', 'America/Sao_Paulo', 'Australia/Lord_Howe', 'Asia/Kolkata'],
  ...[
    'Africa/Cairo',
    'Asia/Beirut',
    'America/Havana',
    'Pacific/Apia',
    'Pacific/Chatham',
    'America/St_Johns',
    'Europe/Dublin',
  ],
]

/** The date that clocks of a zone show. */
const dateIn = (zone: string, at: Date): string =>
  new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(at)

const daily = fc.record({
  zone: fc.constantFrom(...zones),
  hour: fc.integer({ min: 0, max: 23 }),
  minute: fc.integer({ min: 0, max: 59 }),
  from: fc.integer({ min: Date.UTC(2010, 0, 1), max: Date.UTC(2036, 0, 1) }),
})

describe('the times of a rule', () => {
  it('of one time a day are one on each day, whatever clocks do', () => {
    fc.assert(
      fc.property(daily, ({ zone, hour, minute, from }) => {
        const schedule = { at: `${minute} ${hour} * * *`, time_zone: zone }
        const times = timesBetween(schedule, new Date(from), new Date(from + 99 * dayMs))
        const dates = times.map((at) => dateIn(zone, at))
        expect(new Set(dates).size).toBe(dates.length)
        for (const [at, time] of times.entries()) {
          const after = times[at + 1]
          if (after === undefined) continue
          const hours = (after.getTime() - time.getTime()) / 3_600_000
          // Apia had no 30 December 2011.
          if (zone === 'Pacific/Apia' && hours < 49) continue
          expect({ zone, time, after, isDay: hours >= 22 && hours <= 26 }).toMatchObject({ isDay: true })
        }
      }),
      { numRuns: runs },
    )
  })

  it('are the same, asked for one by one from any moment, and grow', () => {
    fc.assert(
      fc.property(daily, fc.integer({ min: 1, max: 6 }), ({ zone, hour, minute, from }, days) => {
        const schedule = { at: `${minute},30 ${hour}-23/3 * * *`, time_zone: zone }
        const [start, end] = [new Date(from), new Date(from + days * dayMs)]
        const times = timesBetween(schedule, start, end)
        for (const [at, time] of times.entries()) {
          expect(time.getTime()).toBeGreaterThan(at === 0 ? from : (times[at - 1]?.getTime() ?? 0))
          // From a moment just before a time, and from the time before it, the next one is this one.
          expect(nextTime(schedule, new Date(time.getTime() - 1000))).toEqual(time)
          if (at > 0) expect(nextTime(schedule, times[at - 1] ?? start)).toEqual(time)
        }
        expect(nextTime(schedule, times.at(-1) ?? start)?.getTime()).toBeGreaterThan(end.getTime())
      }),
      { numRuns: runs },
    )
  })
})
