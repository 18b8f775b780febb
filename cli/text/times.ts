import { units } from '../../shared/duration.ts'
import { spanText } from '../../shared/time-and-size.ts'

/** How long ago a time was, in the largest unit that it fills: `2h ago`. Text that is no time is returned as it is. */
export function ago(time: string, now: number = Date.now()): string {
  const seconds = Math.floor((now - Date.parse(time)) / 1000)
  if (Number.isNaN(seconds)) return time
  const unit = (['d', 'h', 'm', 's'] as const).find((unit) => seconds >= units[unit])
  return unit ? `${Math.floor(seconds / units[unit])}${unit} ago` : 'just now'
}

/** `2h ago`, or `in 1h 12m`. Text that is no time is returned as it is. */
export function whenText(time: string, now: number = Date.now()): string {
  const ahead = (Date.parse(time) - now) / 1000
  return ahead >= 1 ? `in ${spanText(ahead)}` : ago(time, now)
}

const form = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)$/

/**
 * A time of TSV: ISO 8601 in UTC, always with milliseconds, so that columns sort as text. PostgreSQL leaves out zeros at the
 * end of a fraction, and the other server writes a blank for the T. Text that is no such time, `infinity` for example, stays as it is.
 */
export const isoTime = (text: string): string => {
  const at = form.test(text) ? new Date(text.replace(' ', 'T')) : undefined
  return at && !Number.isNaN(at.getTime()) ? at.toISOString() : text
}
