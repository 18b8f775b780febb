/** In which zone times are written: UTC, or that of the browser. */
export type Zone = 'utc' | 'local'

const minuteMs = 60_000

/**
 * A time to the minute. A local time has its offset from UTC, since an hour comes twice when clocks are set back.
 * @returns such as `2026-10-25 00:30`, or `2026-10-25 02:30 +02:00`
 */
export function clockOf(time: string | number, zone: Zone): string {
  const at = new Date(time)
  if (zone === 'utc') return minuteOf(at.getTime())
  const offset = -at.getTimezoneOffset()
  return `${minuteOf(at.getTime() + offset * minuteMs)} ${offsetText(offset)}`
}

const minuteOf = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ')

function offsetText(minutes: number): string {
  const size = Math.abs(minutes)
  const two = (part: number) => String(part).padStart(2, '0')
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`
}

/** A time as a field of a form has it: `2026-10-25T02:30`. */
export const fieldOf = (time: string, zone: Zone): string => clockOf(time, zone).slice(0, 16).replace(' ', 'T')

/** The time of a field of a form, as the API takes it; undefined for an empty field. */
export function timeOf(field: string, zone: Zone): string | undefined {
  const at = new Date(zone === 'utc' ? `${field}Z` : field)
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString()
}
