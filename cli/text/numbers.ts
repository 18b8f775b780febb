import type { Throttle } from '../../shared/queues/throttle.ts'

/** `9,500` */
export const groupedDigits = (count: number): string => count.toLocaleString('en-US')

/** `1 job`, `9,500 jobs` */
export const jobsText = (count: number): string => `${groupedDigits(count)} ${count === 1 ? 'job' : 'jobs'}`

export const sumOf = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0)

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
