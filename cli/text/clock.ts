import { offsetsOf } from '../../shared/times/clock-time.ts'
import { ago } from '../../shared/times/time-and-size.ts'
import type { Io } from '../io.ts'

/**
 * The time zone of the reader: that of `TZ`, else at a terminal that of the machine. Undefined in a pipe without `TZ`, since nobody knows who
 * reads it there, and for a `TZ` that names no zone of the IANA database.
 */
export function readerZone({ env, outTerminal }: Pick<Io, 'env' | 'outTerminal'>): string | undefined {
  const { TZ } = env
  if (TZ === undefined) return outTerminal ? Intl.DateTimeFormat().resolvedOptions().timeZone : undefined
  const zone = TZ.replace(/^:/, '') || 'UTC'
  return offsetsOf(zone) === undefined ? undefined : zone
}

/** `at 03:12 CET (02:12Z), 47 min ago`, with the day where it is another one than today's. */
export function clockHeading(at: string, { zone = 'UTC', now }: { zone: string | undefined; now: number }): string {
  const ms = Date.parse(at)
  const day = (timeZone: string, of: number) => new Intl.DateTimeFormat('en-CA', { timeZone }).format(of)
  const isToday = day(zone, ms) === day(zone, now)
  const time = (timeZone: string) =>
    `${isToday ? '' : `${day(timeZone, ms)} `}${new Intl.DateTimeFormat('en-GB', {
      ...{ timeZone, hour: '2-digit', minute: '2-digit' },
      ...(ms % 60_000 === 0 ? {} : { second: '2-digit' }),
    }).format(ms)}`
  const minutes = Math.floor((now - ms) / 60_000)
  const past = minutes >= 1 && minutes < 120 ? `${minutes} min ago` : ago(at, now)
  const utc = offsetsOf(zone)?.(ms) === 0 ? '' : ` (${time('UTC')}Z)`
  return `at ${time(zone)} ${nameOf(zone, ms)}${utc}, ${past}`
}

const nameOf = (timeZone: string, ms: number): string =>
  new Intl.DateTimeFormat('en-GB', { timeZone, timeZoneName: 'short' })
    .formatToParts(ms)
    .find(({ type }) => type === 'timeZoneName')?.value ?? timeZone
