import { Failure } from '../../shared/errors.ts'
import { secondsOf, units } from '../../shared/times/duration.ts'

/**
 * A duration in seconds: `90`, `15m`, `2h`, `30d`, `1w`.
 * @throws Failure `usage` that names `flag`
 */
export function seconds(text: string, flag: string): number {
  const total = secondsOf(text)
  if (total === undefined) {
    throw new Failure('usage', `${flag}: must be a duration such as 90 (seconds), 15m, 2h, 30d or 1w`)
  }
  if (total === 0) throw new Failure('usage', `${flag}: must be at least 1s`)
  return total
}

const mostDays = 3650

/**
 * A duration in whole days. It is never rounded, since a shorter retention deletes more jobs than requested.
 * @throws Failure `usage` that names `flag`
 */
export function days(text: string, flag: string): number {
  const total = /^0+[smhdw]?$/.test(text.trim()) ? 0 : seconds(text, flag)
  if (/^\d+$/.test(text.trim()) && total % units.d !== 0) {
    throw new Failure('usage', `${flag}: ${total} without a unit is ${total} seconds, and the least is 1d`, {
      hint: `${flag} ${total > 0 && total <= mostDays ? total : 30}d`,
    })
  }
  if (total < units.d) throw new Failure('usage', `${flag}: must be at least 1d`, { hint: `${flag} 30d` })
  if (total % units.d !== 0) {
    throw new Failure('usage', `${flag}: must be whole days, and is never rounded`, { hint: `${flag} 30d` })
  }
  if (total > mostDays * units.d) throw new Failure('usage', `${flag}: must be at most ${mostDays}d`)
  return total / units.d
}

/** Seconds as the shortest duration of the same length: `2h` for 7200. */
export function durationText(total: number): string {
  const unit = (['d', 'h', 'm', 's'] as const).find((unit) => total % units[unit] === 0) ?? 's'
  return `${total / units[unit]}${unit}`
}
