import type { Throttle } from '../../../shared/queues/throttle.ts'
import { groupedDigits } from '../../text/numbers.ts'

/**
 * What a queue is throttled to, for a sentence or a column.
 * @returns `5 running`, `60 a minute`, `5 running, 60 a minute`; `any number` without a limit
 */
export function throttleText({ running, per_minute }: Throttle): string {
  const limits = [
    ...(running === null ? [] : [`${groupedDigits(running)} running`]),
    ...(per_minute === null ? [] : [`${groupedDigits(per_minute)} a minute`]),
  ]
  return limits.length === 0 ? 'any number' : limits.join(', ')
}
