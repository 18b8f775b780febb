import type { Rule } from '../../../shared/policy/rule.ts'
import { escaped } from '../../../shared/text/escape.ts'
import { durationText } from '../../text/duration.ts'

/** What a rule does: `prune completed, failed older than 30d`, `cancel what waits for 2d or runs for 6h`. */
export function changeText({ prune, sweep }: Pick<Rule, 'prune' | 'sweep'>): string {
  if (prune) return `prune ${prune.statuses.join(', ')} older than ${prune.older_than_days}d`
  const limits = [
    ...(sweep?.age_seconds === undefined ? [] : [`waits for ${durationText(sweep.age_seconds)}`]),
    ...(sweep?.runtime_seconds === undefined ? [] : [`runs for ${durationText(sweep.runtime_seconds)}`]),
  ]
  return `${sweep?.action ?? 'sweep'} what ${limits.join(' or ')}`
}

/** When a rule runs: `15 3 * * * Europe/Berlin` */
export const timesText = ({ at, time_zone }: Pick<Rule, 'at' | 'time_zone'>): string => `${at} ${escaped(time_zone)}`
