import { jobsText, leastText, mostRelated } from '../../../shared/explain/phrases.ts'
import type { ShownJob } from '../../../shared/jobs/show.ts'
import { spanText, whenText } from '../../../shared/times/time-and-size.ts'
import { textOf, timeOf, unmetOf } from './columns.ts'

/** Jobs of other engines have texts as ids. */
export const isOwn = ({ id }: Pick<ShownJob, 'id'>): boolean => typeof id === 'number'

/** Whether a running job has no valid lease any more. A table of another engine may not say when leases end. */
export function isLeaseOver(job: ShownJob, now = Date.now()): boolean {
  if (job.status !== 'processing') return false
  const end = timeOf(job, 'leased_until')
  return end === undefined ? isOwn(job) : end <= now
}

/** The state of a job with its reason: `queued, due in 1h 12m`. */
export function stateText(job: ShownJob): string {
  const reason = reasons.get(job.status ?? '')?.(job) ?? ''
  const where = job.archived ? ' (in the archive)' : ''
  return `${job.status ?? 'without a state'}${reason === '' ? '' : `, ${reason}`}${where}`
}

const reasons = new Map<string, (job: ShownJob) => string>([
  ['queued', queuedReason],
  ['processing', runningReason],
  ['completed', (job) => tookText(job)],
  ['failed', (job) => joined([errorText(job), triedText(job)])],
  ['cancelled', (job) => textOf(job, 'cancellation_reason')],
  ['quarantined', (job) => joined([errorText(job), streakText(job)])],
])

const joined = (parts: readonly string[]): string => parts.filter((part) => part !== '').join(', ')

function queuedReason(job: ShownJob): string {
  const due = timeOf(job, 'available_at')
  const unmet = unmetOf(job).length
  return joined([
    due !== undefined && due > Date.now() ? `due ${whenText(textOf(job, 'available_at'))}` : '',
    unmet > 0 ? `waits for ${leastText(job.dependencies?.depends_on.length ?? 0, mostRelated)}${jobsText(unmet)}` : '',
    Number(textOf(job, 'retry_count')) > 0 ? `retry ${textOf(job, 'retry_count')}` : '',
  ])
}

function runningReason(job: ShownJob): string {
  const worker = textOf(job, 'worker_id')
  const until = textOf(job, 'leased_until')
  const when = until === '' ? '' : whenText(until)
  const end = isLeaseOver(job) ? `the lease ended ${when}`.trim() : when && `until ${when}`
  return joined([
    worker === '' ? '' : `by ${worker}`,
    end,
    textOf(job, 'cancel_requested_at') === '' ? '' : 'asked to end',
  ])
}

function tookText(job: ShownJob): string {
  const [from, to] = [timeOf(job, 'started_at'), timeOf(job, 'completed_at')]
  return from === undefined || to === undefined || to < from ? '' : `in ${spanText((to - from) / 1000)}`
}

const errorText = (job: ShownJob): string =>
  textOf(job, 'error_code') || textOf(job, 'failure_streak_code') || textOf(job, 'error_message')

function triedText(job: ShownJob): string {
  const retries = textOf(job, 'retry_count')
  const most = textOf(job, 'max_retries') || (isOwn(job) ? '3' : '')
  if (retries === '') return ''
  return most === ''
    ? `after ${retries} ${retries === '1' ? 'retry' : 'retries'}`
    : `after ${retries} of ${most} retries`
}

function streakText(job: ShownJob): string {
  const streak = textOf(job, 'failure_streak_count')
  return streak === '' || streak === '0' ? '' : `${streak} times in a row`
}
