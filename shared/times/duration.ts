/** The units of a duration, in seconds. */
export const units = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 } as const
const isUnit = (unit: string): unit is keyof typeof units => Object.hasOwn(units, unit)

/**
 * The seconds of a duration as people write it: `90`, `15m`, `2h`, `30d`, `1w`.
 * @returns undefined for other texts, and for more seconds than a number has exactly
 */
export function secondsOf(text: string): number | undefined {
  const [, digits = '', unit = ''] = /^(\d+)([smhdw]?)$/.exec(text.trim()) ?? []
  const total = Number(digits) * units[isUnit(unit) ? unit : 's']
  return digits !== '' && Number.isSafeInteger(total) ? total : undefined
}
