/** What a clock time says: a moment, or what is wrong with it, for a sentence that begins with its name. */
export type ClockMoment = { at: string } | { wrong: string }

const form = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?( UTC|Z|[+-](?:0\d|1[0-5]):?[0-5]\d)?$/i

const dayMs = 86_400_000

/** The offset of a zone in milliseconds at a moment: local time less UTC. */
export type OffsetAt = (ms: number) => number

/** Whether a text is a time of a clock: `03:12`, `03:12:30`, `03:12Z`, `03:12+01:00`. */
export const isClockTime = (text: string): boolean => form.test(text)

/**
 * The latest moment up to now at which the clock of a zone showed a time.
 * @param text one for which `isClockTime` is true; its own zone goes before `offsetAt`
 * @param now in milliseconds
 * @param offsetAt of the zone of the reader; undefined where the time must have its own
 */
export function readClockTime(text: string, now: number, offsetAt: OffsetAt | undefined): ClockMoment {
  const [, hour = '', minute = '', second = '00', zone] = form.exec(text) ?? []
  const offset = zone === undefined ? offsetAt : fixedOffset(zone)
  if (!offset) return { wrong: `must have its zone, such as ${text}Z for UTC: the zone of the reader is not known` }
  const clock = ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1000
  const today = Math.floor((now + offset(now)) / dayMs) * dayMs
  for (const day of [today, today - dayMs]) {
    const local = day + clock
    const readings = readingsOf(local, offset)
    const past = readings.filter((ms) => ms <= now)
    const [first, last] = [past[0], past.at(-1)]
    if (first !== undefined && first === last) return { at: isoOf(first) }
    if (first !== undefined && last !== undefined)
      return {
        wrong: `${text} was twice on ${dayOf(day)}, when the clock was set back: give ${isoOf(first)} or ${isoOf(last)}`,
      }
    // Neither past nor to come: the clock skipped it.
    if (readings.length === 0 && local <= now + offset(now))
      return {
        wrong: `there was no ${text} on ${dayOf(day)}, when the clock was set forward: give a time with its zone`,
      }
  }
  return { wrong: `there was no ${text} within the last day: give a time with its day and zone` }
}

/** The moments at which a clock showed a local time: none where it was set forward over it, two where it was set back, the earlier one first. */
function readingsOf(local: number, offsetAt: OffsetAt): number[] {
  const offsets = [-dayMs, 0, dayMs].map((away) => offsetAt(local + away))
  const moments = [...new Set(offsets)].map((offset) => local - offset)
  return moments.filter((ms) => ms + offsetAt(ms) === local).sort((one, other) => one - other)
}

function fixedOffset(zone: string): OffsetAt {
  if (/[CZ]$/i.test(zone)) return () => 0
  const [sign, hours, minutes] = [zone.startsWith('-') ? -1 : 1, Number(zone.slice(1, 3)), Number(zone.slice(-2))]
  return () => sign * (hours * 60 + minutes) * 60_000
}

const isoOf = (ms: number): string => new Date(ms).toISOString().replace('.000Z', 'Z')
const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)

/** The offsets of a time zone such as `Europe/Berlin`; undefined for an unknown name. */
export function offsetsOf(timeZone: string): OffsetAt | undefined {
  try {
    const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset', hour: 'numeric' })
    return (ms) => {
      const name = format.formatToParts(ms).find(({ type }) => type === 'timeZoneName')?.value ?? ''
      const [, sign, hours = '0', minutes = '0', seconds = '0'] = /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?/.exec(name) ?? []
      return (sign === '-' ? -1 : 1) * ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000
    }
  } catch {
    return undefined
  }
}
