import { judge, type Verdict } from '../../verdict.ts'
import type { EventRow, Evidence, JobRow } from './evidence.ts'

/** The states before and after each job event. Any other event of a job is a violation. */
const transitions = new Map([
  ['job.created', { from: ['none'], to: 'queued' }],
  ['job.acquired', { from: ['queued'], to: 'processing' }],
  ['job.completed', { from: ['processing'], to: 'completed' }],
  ['job.retry_scheduled', { from: ['processing'], to: 'queued' }],
  ['job.released', { from: ['processing'], to: 'queued' }],
  ['job.lease_expired', { from: ['processing'], to: 'queued' }],
  ['job.quarantined', { from: ['processing'], to: 'quarantined' }],
  ['job.failed', { from: ['queued', 'processing'], to: 'failed' }],
  ['job.cancelled', { from: ['queued', 'processing'], to: 'cancelled' }],
  ['job.requeued', { from: ['quarantined'], to: 'queued' }],
  ['job.revived', { from: ['cancelled'], to: 'queued' }],
  ['job.cancel_requested', { from: ['processing'], to: 'processing' }],
])

/** Checks that the events of each job are allowed transitions, and that its last event agrees with its row. */
export const checkTransitions = ({ histories, jobs }: Evidence): Verdict =>
  judge('each job has allowed transitions only, one lease at a time, and one end', histories, ([id, history]) => {
    let state = 'none'
    for (const { event_type } of history) {
      const transition = transitions.get(event_type)
      if (!transition?.from.includes(state)) {
        return `job ${id}: ${event_type} while ${state}: ${describeHistory(history)}`
      }
      state = transition.to
    }
    const row = jobs.get(id)
    return row && row.status !== state
      ? `job ${id} is ${row.status}, not ${state}: ${describeHistory(history)}`
      : undefined
  })

/**
 * Checks retry_count and quarantine against the events. Skips jobs of the SQL worker, which does not count attempts.
 */
export const checkAttempts = ({ histories, jobs }: Evidence): Verdict => {
  const counted = [...histories].filter(([, history]) => !history.some(({ foreign }) => foreign))
  return judge(
    'retry_count is the number of failed attempts; three equal failures quarantine a job',
    counted,
    ([id, history]) => {
      const row = jobs.get(id)
      return row && findMiscount(row, history)
    },
  )
}

const quarantineThreshold = 3

/** Returns a description of the first wrong count of a job, or undefined. */
function findMiscount(row: JobRow, history: readonly EventRow[]): string | undefined {
  let count = 0
  let streak = 0
  let code: string | null = null
  for (const event of history) {
    const failed = ['job.retry_scheduled', 'job.lease_expired', 'job.quarantined'].includes(event.event_type)
    if (event.event_type === 'job.requeued') [count, streak, code] = [0, 0, null]
    // A failure of a job whose cancellation is requested has the event job.cancelled with an error code.
    else if (failed || (event.event_type === 'job.cancelled' && event.error_code !== null)) {
      count = Math.min(count + 1, row.max_retries)
      streak = event.error_code === code ? streak + 1 : 1
      code = event.error_code
    }
    const quarantineDue = streak >= quarantineThreshold
    if (failed && quarantineDue !== (event.event_type === 'job.quarantined')) {
      return `job ${row.id}: ${event.event_type} after ${streak} × ${code}: ${describeHistory(history)}`
    }
    if (event.retry_count !== null && event.retry_count !== count) {
      return `job ${row.id}: event ${event.id} has retry_count ${event.retry_count}, not ${count}: ${describeHistory(history)}`
    }
  }
  return row.retry_count === count
    ? undefined
    : `job ${row.id}: retry_count is ${row.retry_count}, not ${count}: ${describeHistory(history)}`
}

/** Returns the events of a job as one line of text. */
export const describeHistory = (history: readonly EventRow[]): string =>
  history.map(({ id, event_type, request_id }) => `${id} ${event_type.slice(4)} (${request_id})`).join(', ')
