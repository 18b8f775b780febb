import { clockText, spanText } from '../times/time-and-size.ts'

/** ` since 2026-11-24 13:02:00 UTC (1h 2m)`, or nothing for a time that is not known. */
export function sinceText(time: string | null, now: number): string {
  if (time === null) return ''
  const seconds = (now - Date.parse(time)) / 1000
  return ` since ${clockText(time)}${Number.isFinite(seconds) ? ` (${spanText(seconds)})` : ''}`
}

/** ` at 2026-11-24 13:02:00 UTC (1h 2m ago)`, or nothing for a time that is not known. */
export function atText(time: string | null, now: number): string {
  if (time === null) return ''
  const seconds = (now - Date.parse(time)) / 1000
  return ` at ${clockText(time)}${Number.isFinite(seconds) ? ` (${spanText(seconds)} ago)` : ''}`
}

/** `12m` */
export const minutesText = (minutes: number): string => spanText(60 * minutes)

/** ` ("disk full")`, or nothing. */
export const quotedText = (text: string | null): string => (text === null || text === '' ? '' : ` ("${text}")`)

/** `1 job`, `1,204 jobs` */
export const jobsText = (count: number): string => `${count.toLocaleString('en-US')} ${count === 1 ? 'job' : 'jobs'}`

export const workersText = (count: number): string =>
  `${count.toLocaleString('en-US')} ${count === 1 ? 'worker' : 'workers'}`

/** The most jobs that are counted: leased ones of a queue, its running ones whose workers are looked at, and those that a job waits for. */
export const [mostLeased, mostRunning, mostNeeded] = [10_000, 1000, 1000]

/** The most jobs that an answer shows at each side of the dependencies of a job. */
export const mostRelated = 1000

/** What stands before a count, such as `at least `: where as many were found as are counted at most, there may be more. */
export const leastText = (count: number, most: number): string => (count >= most ? 'at least ' : '')

/** `1,204`, `at least 10,000` */
export const boundedText = (count: number, most: number): string =>
  `${leastText(count, most)}${count.toLocaleString('en-US')}`

/** The same with the word, such as `at least 1,000 jobs`. */
export const boundedJobs = (count: number, most: number): string => `${leastText(count, most)}${jobsText(count)}`

/** `14th` */
export function ordinal(n: number): string {
  const digits = n.toLocaleString('en-US')
  if ([11, 12, 13].includes(n % 100)) return `${digits}th`
  return `${digits}${['th', 'st', 'nd', 'rd'][n % 10] ?? 'th'}`
}
