import type { EventRow, Evidence, JobRow } from './evidence.ts'
import { judge, type Verdict } from './verdict.ts'

/** From which state to which an event leads; what is not here tells of no step. */
const steps: Record<string, { from: readonly string[]; to: string }> = {
  'job.created': { from: ['none'], to: 'queued' },
  'job.acquired': { from: ['queued'], to: 'processing' },
  'job.completed': { from: ['processing'], to: 'completed' },
  'job.retry_scheduled': { from: ['processing'], to: 'queued' },
  'job.released': { from: ['processing'], to: 'queued' },
  'job.lease_expired': { from: ['processing'], to: 'queued' },
  'job.quarantined': { from: ['processing'], to: 'quarantined' },
  'job.failed': { from: ['queued', 'processing'], to: 'failed' },
  'job.cancelled': { from: ['queued', 'processing'], to: 'cancelled' },
  'job.requeued': { from: ['quarantined'], to: 'queued' },
  'job.cancel_requested': { from: ['processing'], to: 'processing' },
}

/** Each job went from state to state as it may, ended once, and is what its last event says. */
export const checkSteps = ({ histories, jobs }: Evidence): Verdict =>
  judge('each job went step by step, held by one at a time, and ended once', histories, ([id, history]) => {
    let state = 'none'
    for (const { event_type } of history) {
      const step = steps[event_type]
      if (!step?.from.includes(state)) return `job ${id}: ${event_type} while ${state}: ${told(history)}`
      state = step.to
    }
    const row = jobs.get(id)
    return row && row.status !== state ? `job ${id} is ${row.status}, not ${state}: ${told(history)}` : undefined
  })

/** Attempts and failures in a row are counted as the events tell; the other program does not count. */
export const checkAttempts = ({ histories, jobs }: Evidence): Verdict => {
  const ours = [...histories].filter(([, history]) => !history.some(({ foreign }) => foreign))
  return judge(
    'retry_count is the number of failed attempts; three failures alike are a quarantine',
    ours,
    ([id, h]) => {
      const row = jobs.get(id)
      return row && miscounted(row, h)
    },
  )
}

const quarantineThreshold = 3

function miscounted(row: JobRow, history: readonly EventRow[]): string | undefined {
  let count = 0
  let streak = 0
  let code: string | null = null
  for (const event of history) {
    const failed = ['job.retry_scheduled', 'job.lease_expired', 'job.quarantined'].includes(event.event_type)
    if (event.event_type === 'job.requeued') [count, streak, code] = [0, 0, null]
    // A failure of a job that somebody wants to end is told as its cancellation.
    else if (failed || (event.event_type === 'job.cancelled' && event.error_code !== null)) {
      count = Math.min(count + 1, row.max_retries)
      streak = event.error_code === code ? streak + 1 : 1
      code = event.error_code
    }
    const due = streak >= quarantineThreshold
    if (failed && due !== (event.event_type === 'job.quarantined')) {
      return `job ${row.id}: ${event.event_type} after ${streak} × ${code}: ${told(history)}`
    }
    if (event.retry_count !== null && event.retry_count !== count) {
      return `job ${row.id}: event ${event.id} counts ${event.retry_count} attempts, not ${count}: ${told(history)}`
    }
  }
  return row.retry_count === count
    ? undefined
    : `job ${row.id}: retry_count is ${row.retry_count}, not ${count}: ${told(history)}`
}

/** A history in short. */
export const told = (history: readonly EventRow[]): string =>
  history.map(({ id, event_type, request_id }) => `${id} ${event_type.slice(4)} (${request_id})`).join(', ')
