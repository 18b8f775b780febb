const units = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 } as const
const isUnit = (unit: string): unit is keyof typeof units => Object.hasOwn(units, unit)

/** Longer durations, in seconds, lead to no year of four digits. */
const longest = 1e10

/** The seconds of a duration as the command line takes it: `90`, `15m`, `2h`, `30d`, `1w`; undefined for other texts. */
export function secondsOf(text: string): number | undefined {
  const [, digits = '', unit = ''] = /^(\d{1,9})([smhdw]?)$/.exec(text.trim()) ?? []
  const total = Number(digits) * units[isUnit(unit) ? unit : 's']
  return total > 0 && total <= longest ? total : undefined
}

/**
 * The time that lies a duration before another time.
 * @param end the later time in milliseconds; NaN for none
 * @returns a time of ISO 8601; undefined where the text is no duration, or there is no such time
 */
export function timeBefore(end: number, text: string): string | undefined {
  const time = new Date(end - 1000 * (secondsOf(text) ?? Number.NaN))
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString()
}
