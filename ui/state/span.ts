const units = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 } as const
const isUnit = (unit: string): unit is keyof typeof units => Object.hasOwn(units, unit)

/** The seconds of a duration as the command line takes it: `90`, `15m`, `2h`, `30d`, `1w`; undefined for other texts. */
export function secondsOf(text: string): number | undefined {
  const [, digits = '', unit = ''] = /^(\d{1,9})([smhdw]?)$/.exec(text.trim()) ?? []
  const total = Number(digits) * units[isUnit(unit) ? unit : 's']
  return total > 0 ? total : undefined
}
