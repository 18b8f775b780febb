import { Failure } from '../../../shared/errors.ts'
import { seconds } from '../duration.ts'
import { isoTimeOf } from '../iso-time.ts'

/** How fast a change may go, and until when; the fields are those of the API. */
export interface BrakeSettings {
  rate?: number
  until?: string
}

/**
 * Reads `--rate` and `--until`.
 * @throws Failure `usage`
 */
export function readBrake(flags: { rate?: string; until?: string }, now: number = Date.now()): BrakeSettings {
  return {
    ...(flags.rate !== undefined && { rate: rateOf(flags.rate) }),
    ...(flags.until !== undefined && { until: untilOf(flags.until, now) }),
  }
}

const mostRate = 1_000_000

function rateOf(text: string): number {
  const rate = /^\d{1,7}$/.test(text.trim()) ? Number(text) : 0
  if (rate >= 1 && rate <= mostRate) return rate
  throw new Failure('usage', `--rate: must be a whole number of jobs a second, from 1 to ${mostRate}`)
}

/** A time of ISO 8601, or a duration from now. */
function untilOf(text: string, now: number): string {
  const given = text.trim()
  if (/^\d+[smhdw]$/.test(given)) return new Date(now + 1000 * seconds(given, '--until')).toISOString()
  const time = isoTimeOf(given)
  if (time !== undefined) return time
  throw new Failure('usage', '--until: must be a time such as 2026-01-31T06:00:00Z, or a duration from now such as 2h')
}
