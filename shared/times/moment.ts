import { isClockTime, type OffsetAt, readClockTime } from './clock-time.ts'
import { secondsOf } from './duration.ts'

/** Where a duration leads from now: `2h` is 2 h ago, or 2 h ahead. */
export type Direction = 'past' | 'future'

/** What words say: a time as the API takes it, the text of a mark, or what is wrong with them, for a sentence that begins with their name. */
export type Moment = { at: string } | { mark: string } | { wrong: string }

const markPrefix = 'mark:'
const day = /^\d{4}-\d\d-\d\d$/
const time =
  /^(\d{4}-\d\d-\d\d)[T ]([01]\d|2[0-3])(:[0-5]\d)(?:(:[0-5]\d)(\.\d+)?)?( UTC|Z|[+-](?:0\d|1[0-5]):?[0-5]\d)?$/i

/**
 * Reads a moment as people write it, at the command line and in the dashboard. It is a time of ISO 8601 with its zone, a day (its beginning
 * in UTC), or a duration from now such as `2h`. `mark:` and the text of a mark name a moment in the past, and so does the time of a clock.
 * @param now in milliseconds
 * @param offsetAt of the zone of the reader; without it the time of a clock must have its own
 */
export function readMoment(words: string, direction: Direction, now: number, offsetAt?: OffsetAt): Moment {
  const text = words.trim()
  if (text === '') return { wrong: 'must not be blank; leave it out to use the default' }
  if (text.startsWith(markPrefix)) return readMark(text.slice(markPrefix.length).trim(), direction)
  if (direction === 'past' && isClockTime(text)) return readClockTime(text, now, offsetAt)
  const seconds = secondsOf(text)
  if (seconds === 0) return { wrong: 'must be at least 1s' }
  const at = seconds === undefined ? readTime(text) : timeText(now + 1000 * (direction === 'past' ? -seconds : seconds))
  if (at !== undefined && isKeepable(at)) return { at }
  if (lacksZone(text)) return { wrong: `must have its zone, such as ${text.replace(' ', 'T')}Z for UTC` }
  return { wrong: forms[direction] }
}

const forms = {
  past: 'must be a time such as 2026-01-31T12:00:00Z, a day, 1h for 1 h ago, or mark:<text>',
  future: 'must be a time such as 2026-01-31T12:00:00Z, a day, or 1h for 1 h from now',
} as const

function readMark(mark: string, direction: Direction): Moment {
  if (direction === 'future') return { wrong: `${forms.future}; a mark is in the past` }
  return mark === '' ? { wrong: 'needs the text of a mark, such as "mark:deploy 4711"' } : { mark }
}

/** In UTC, with all digits, since a time of PostgreSQL has microseconds. Undefined for a time without its zone, and for other texts. */
function readTime(text: string): string | undefined {
  if (day.test(text)) return isDay(text) ? `${text}T00:00:00Z` : undefined
  const [, date = '', hour = '', minute = '', second = ':00', fraction = '', zone] = time.exec(text) ?? []
  if (zone === undefined || !isDay(date)) return undefined
  const offset = /[CZ]$/i.test(zone) ? 'Z' : `${zone.slice(0, 3)}:${zone.slice(-2)}`
  return timeText(Date.parse(`${date}T${hour}${minute}${second}${offset}`))?.replace('.000Z', `${fraction}Z`)
}

const lacksZone = (text: string): boolean => time.test(text) && time.test(`${text}Z`)

/** False for the 30th of February, which JavaScript reads as a day of March. */
const isDay = (date: string): boolean => timeText(Date.parse(`${date}T00:00:00Z`))?.startsWith(date) ?? false

function timeText(ms: number): string | undefined {
  const at = new Date(ms)
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString()
}

const [firstTime, lastTime] = [Date.parse('0001-01-01T00:00:00Z'), Date.parse('9999-12-31T23:59:59.999Z')]

/** True for a time that PostgreSQL can store and JSON can carry: of the years 1 to 9999, with a UTC offset that PostgreSQL takes. */
export const isKeepable = (time: string): boolean =>
  Date.parse(time) >= firstTime && Date.parse(time) <= lastTime && !/[+-](?:1[6-9]|2\d):\d\d$/.test(time)
