import { Failure } from '../../shared/errors.ts'
import { seconds } from './duration.ts'

/**
 * The time that a flag gives, as the API takes it: a time in ISO 8601, a day (its beginning in UTC), or a duration before
 * now, such as `2h`, or `90` for 90 s. Another text is returned as it is; the schema of the API refuses it.
 */
export function pastTime(text: string, flag: string, now: number = Date.now()): string {
  const given = text.trim()
  if (/^\d+[smhdw]?$/.test(given)) return timeText(now - 1000 * seconds(given, flag), given)
  return /^\d{4}-\d\d-\d\d$/.test(given) ? `${given}T00:00:00Z` : given
}

/** Before the year 1 there is no time that the API takes. */
const timeText = (ms: number, given: string): string => {
  const at = new Date(ms)
  return Number.isNaN(at.getTime()) ? given : at.toISOString()
}

interface Range {
  since?: string | undefined
  until?: string | undefined
}

/**
 * Compares the times of `--since` and `--until`.
 * @throws Failure `usage` where no time is between them: an empty answer would say that nothing has happened
 */
export function refuseEmptyRange(flags: Range, { since = '', until = '' }: Range): void {
  if (!(Date.parse(since) >= Date.parse(until))) return
  throw new Failure('usage', `the range is empty: --since ${flags.since} is not before --until ${flags.until}`, {
    hint: '--since takes the earlier time and --until the later one, as in --since 2h --until 1h',
  })
}
