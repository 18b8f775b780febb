import { Failure } from '../../shared/errors.ts'
import { seconds } from './duration.ts'
import { isoTimeOf } from './iso-time.ts'

/**
 * The time that a flag gives: a time of ISO 8601, a day (its beginning in UTC), or a duration from now, such as `2h`.
 * @throws Failure `usage` that names `flag`
 */
export function futureTime(text: string, flag: string, now: number = Date.now()): string {
  const given = text.trim()
  const ms = /^\d+[smhdw]?$/.test(given) ? now + 1000 * seconds(given, flag) : undefined
  const time = ms === undefined ? isoTimeOf(given) : Math.abs(ms) <= latest ? new Date(ms).toISOString() : undefined
  if (time !== undefined) return time
  throw new Failure('usage', `${flag}: must be a time such as 2026-01-31T06:00:00Z, or a duration from now such as 2h`)
}

/** The last time of JavaScript, in milliseconds. */
const latest = 8.64e15
