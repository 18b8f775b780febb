import { Failure } from '../../../shared/errors.ts'
import { readMoment } from '../../../shared/times/moment.ts'

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
    ...(flags.until !== undefined && { until: timeOf(flags.until, now) }),
  }
}

/** The guard is read before the command, so that it can ask the server for nothing: a mark is in the past. */
function timeOf(words: string, now: number): string {
  const moment = readMoment(words, 'future', now)
  if ('at' in moment) return moment.at
  throw new Failure('usage', `--until: ${'wrong' in moment ? moment.wrong : 'must not be a mark'}`)
}

const mostRate = 1_000_000

function rateOf(text: string): number {
  const rate = /^\d{1,7}$/.test(text.trim()) ? Number(text) : 0
  if (rate >= 1 && rate <= mostRate) return rate
  throw new Failure('usage', `--rate: must be a whole number of jobs a second, from 1 to ${mostRate}`)
}
