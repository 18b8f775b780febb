import { spanText } from '../../shared/time-and-size.ts'
import { ago } from './ago.ts'

/** `2h ago`, or `in 1h 12m`. Text that is no time is returned as it is. */
export function whenText(time: string, now: number = Date.now()): string {
  const ahead = (Date.parse(time) - now) / 1000
  return ahead >= 1 ? `in ${spanText(ahead)}` : ago(time, now)
}
