import type { JobExplanation } from '../../../shared/explain/job.ts'
import { boundedText, jobsText, mostLeased, ordinal } from '../../../shared/explain/phrases.ts'
import type { QueueExplanation } from '../../../shared/explain/queue.ts'
import { clockText, spanText } from '../../../shared/times/time-and-size.ts'

type Subject = Pick<JobExplanation, 'id' | 'domain' | 'queue' | 'job_type' | 'status'>

/** `Job 8123 (chatbooks/default export) is queued, and not running because:` */
export function jobSentence({ id, domain, queue, job_type, status }: Subject, codes: readonly string[]): string {
  // Jobs of another engine may have no type.
  const type = job_type === '' ? '' : ` ${job_type ?? '?'}`
  const name = `Job ${id} (${domain ?? '?'}/${queue ?? '?'}${type})`
  const state = `${name} is ${status ?? 'without a state'}`
  const nothing = typeof id === 'number' ? 'nothing' : 'nothing in its tables'
  if (codes.length === 0) return `${state} and due, and ${nothing} keeps it from running.`
  if (codes.includes('leased') || codes.includes('finished')) return `${state}:`
  return `${state}, and not running because:`
}

interface PositionFacts {
  ahead: number
  exact: boolean
}

/** `Then it would be 14th in line.` for a job that something keeps from running, else `It is 14th in line.` */
export function positionSentence({ ahead, exact }: PositionFacts, isKept: boolean): string {
  const start = isKept ? 'Then it would be' : 'It is'
  return exact ? `${start} ${ordinal(ahead + 1)} in line.` : `${start} behind more than ${jobsText(ahead)}.`
}

/**
 * `chatbooks/default: 12 jobs due, the oldest for 4m 2s, 3 leased.`
 * @param held what the counted jobs are: running ones of another engine may be past their lease
 */
export function queueSentence(
  { domain, queue, due, leased, oldest_wait, reasons }: Omit<QueueExplanation, 'sentence'>,
  held: 'leased' | 'running',
): string {
  const wait = oldest_wait === null ? '' : `, the oldest for ${spanText(oldest_wait.seconds)}`
  const counts = `${domain}/${queue}: ${jobsText(due)} due${wait}, ${boundedText(leased, mostLeased)} ${held}`
  // What workers of another engine take, such as tasks and limits of their own, is in no table.
  const nothing = held === 'leased' ? 'Nothing' : 'Nothing in its tables'
  return reasons.length === 0 ? `${counts}. ${nothing} keeps them from running.` : `${counts}.`
}

/** The same of a moment in the past: `chatbooks/default at 2026-11-24 13:02:00 UTC: 12 jobs due, the oldest for at least 4m 2s, 3 running.` */
export function pastQueueSentence({ domain, queue, at, at_least, due, processing, oldest_wait }: PastQueue): string {
  const least = at_least === undefined ? '' : 'at least '
  const wait = oldest_wait === null ? '' : `, the oldest for at least ${spanText(oldest_wait.seconds)}`
  const counts = `${least}${jobsText(due)} due${wait}, ${least}${processing.toLocaleString('en-US')} running`
  return `${domain}/${queue} at ${clockText(at)}: ${counts}${at_least === undefined ? '' : ` (${at_least})`}.`
}

type PastQueue = Omit<QueueExplanation, 'sentence' | 'reasons'> & { at: string }
