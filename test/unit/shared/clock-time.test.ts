import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isClockTime, offsetsOf, readClockTime } from '../../../shared/times/clock-time.ts'

const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'Pacific/Apia',
  'America/St_Johns',
]
const read = (text: string, now: string, zone?: string) =>
  readClockTime(text, Date.parse(now), zone === undefined ? undefined : offsetsOf(zone))

it.each([
  ['03:12', '2026-11-30T03:00:00Z', 'Europe/Berlin', '2026-11-30T02:12:00Z'],
  ['03:12', '2026-11-30T02:11:59Z', 'Europe/Berlin', '2026-11-29T02:12:00Z'],
  ['03:12:30', '2026-11-30T02:12:30Z', 'Europe/Berlin', '2026-11-30T02:12:30Z'],
  ['23:59', '2026-11-30T00:30:00Z', 'Asia/Kolkata', '2026-11-29T18:29:00Z'],
  ['03:12Z', '2026-11-30T03:00:00Z', 'Europe/Berlin', '2026-11-29T03:12:00Z'],
  ['03:12+01:00', '2026-11-30T03:00:00Z', undefined, '2026-11-30T02:12:00Z'],
  ['03:12 UTC', '2026-11-30T03:20:00Z', undefined, '2026-11-30T03:12:00Z'],
  // The first of two, while the second is yet to come.
  ['02:30', '2026-10-25T00:45:00Z', 'Europe/Berlin', '2026-10-25T00:30:00Z'],
])('reads %s at %s in %s as %s', (text, now, zone, at) => {
  expect(read(text, now, zone)).toEqual({ at })
})

it.each([
  ['02:30', '2026-10-25T09:00:00Z', 'give 2026-10-25T00:30:00Z or 2026-10-25T01:30:00Z'],
  ['02:30', '2026-10-26T00:00:00Z', 'give 2026-10-25T00:30:00Z or 2026-10-25T01:30:00Z'],
  ['02:30', '2026-03-29T09:00:00Z', 'there was no 02:30 on 2026-03-29'],
])('refuses %s at %s in Berlin', (text, now, wrong) => {
  expect(read(text, now, 'Europe/Berlin')).toEqual({ wrong: expect.stringContaining(wrong) })
})

it('needs a zone where that of the reader is not known', () => {
  expect(read('03:12', '2026-11-30T03:00:00Z')).toEqual({
    wrong: expect.stringContaining('must have its zone, such as 03:12Z'),
  })
  expect(offsetsOf('Mars/Olympus')).toBeUndefined()
  for (const text of ['3:12', '24:00', '03:60', '03:12:60', '03:12 CET', ''])
    expect(isClockTime(text), text).toBe(false)
})

it('gives a moment of the last 25 h whose clock shows the time, the latest one, or says why there is none', () => {
  const two = (number: number) => String(number).padStart(2, '0')
  fc.assert(
    fc.property(
      fc.constantFrom(...zones),
      fc.integer({ min: Date.parse('2000-01-01T00:00:00Z') / 1000, max: Date.parse('2037-01-01T00:00:00Z') / 1000 }),
      fc.nat(23),
      fc.nat(59),
      (zone, seconds, hour, minute) => {
        const text = `${two(hour)}:${two(minute)}`
        const now = seconds * 1000
        const shown = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit' })
        const minutes = Array.from({ length: 25 * 60 + 1 }, (_, n) => Math.floor(now / 60_000) * 60_000 - n * 60_000)
        const moments = minutes.filter((ms) => shown.format(ms) === text)
        const moment = read(text, new Date(now).toISOString(), zone)
        if ('at' in moment) expect(moments[0]).toBe(Date.parse(moment.at))
        else {
          const days = new Set(moments.map((ms) => new Intl.DateTimeFormat('en-CA', { timeZone: zone }).format(ms)))
          // Twice on a day, or never on the day whose clock was set forward.
          expect(moments.length - days.size > 0 || moments.length === 0 || moment.wrong.includes('set forward')).toBe(
            true,
          )
        }
      },
    ),
    { numRuns: 150 },
  )
})
