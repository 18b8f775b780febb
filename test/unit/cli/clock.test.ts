import { expect, it } from 'vitest'
import { clockHeading, readerZone } from '../../../cli/text/clock.ts'

it.each([
  ['2026-11-30T02:12:00Z', '2026-11-30T02:59:30Z', 'Europe/Berlin', 'at 03:12 CET (02:12Z), 47 min ago'],
  [
    '2026-11-29T02:12:05Z',
    '2026-11-30T02:59:30Z',
    'Europe/Berlin',
    'at 2026-11-29 03:12:05 CET (2026-11-29 02:12:05Z), 1d ago',
  ],
  ['2026-11-30T00:12:00Z', '2026-11-30T02:12:30Z', 'Europe/London', 'at 00:12 GMT, 2h ago'],
  ['2026-11-30T02:12:00Z', '2026-11-30T02:12:30Z', undefined, 'at 02:12 UTC, 30s ago'],
])('%s at %s in %s', (at, now, zone, heading) => {
  expect(clockHeading(at, { zone, now: Date.parse(now) })).toBe(heading)
})

it('knows the zone of a reader by TZ, or at a terminal', () => {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone
  const zoneOf = (TZ: string | undefined, outTerminal: boolean) => readerZone({ env: { TZ }, outTerminal })
  expect(zoneOf(undefined, true)).toBe(here)
  expect(zoneOf(undefined, false)).toBeUndefined()
  expect(zoneOf(':Europe/Berlin', false)).toBe('Europe/Berlin')
  expect(zoneOf('', false)).toBe('UTC')
  expect(zoneOf('CET-1CEST,M3.5.0,M10.5.0/3', true)).toBeUndefined()
})
