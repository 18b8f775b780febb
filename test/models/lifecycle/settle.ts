import { cascade, type Model, type ModelJob, placeOf, type Row, type Status, second, stamp, tell } from './model.ts'

/** The one of the server. So low that stories of a few dozen steps get there. */
export const quarantineThreshold = 2

/** How an attempt ends. */
export interface Attempt {
  action: 'complete' | 'fail' | 'release' | 'expire'
  token: string | null
  result: unknown
  error: string
  code: string | null
  retryable: boolean
  /** Seconds. */
  backoff: number
}

/** A lease that has run out is one failed attempt. */
const expiry: Attempt = {
  ...{ action: 'expire', token: null, result: null, retryable: true, backoff: 0 },
  ...{ error: 'lease_expired', code: 'lease_expired' },
}

export function takeBack(model: Model, jobs: ModelJob[]): void {
  for (const job of jobs) settle(model, job, expiry)
  cascade(model)
}

/** Ends an attempt; what depends on the job is left to the cascade. */
export function settle(model: Model, job: ModelJob, attempt: Attempt): void {
  const { row } = job
  const failed = attempt.action === 'fail' || attempt.action === 'expire'
  const exhausted = row.retry_count >= row.max_retries
  if (failed) countFailure(row, attempt)
  if (attempt.action === 'complete') succeed(row, attempt)
  row.status = outcome(model, row, { ...attempt, exhausted })
  const gone = attempt.action === 'expire' && (row.status === 'queued' || row.status === 'cancelled')
  if (failed && !gone) row.error_message = attempt.error
  if (failed && row.status === 'queued') delay(model, job, attempt)
  if (failed && row.status !== 'failed' && !exhausted) row.retry_count++
  if (row.status === 'completed' || row.status === 'failed') stamp(job, 'completed_at', model.now)
  if (row.status === 'cancelled') stamp(job, 'cancelled_at', model.now)
  if (row.status === 'quarantined') stamp(job, 'quarantined_at', model.now)
  row.completion_token = row.status === 'queued' ? null : attempt.token
  row.leased_until = null
  if (row.status === 'queued' || row.status === 'quarantined') row.lease_id = row.worker_id = null
  tell(model, row.status === 'queued' ? backInQueue[attempt.action] : `job.${row.status}`, job)
}

const backInQueue = {
  complete: 'never',
  fail: 'job.retry_scheduled',
  release: 'job.released',
  expire: 'job.lease_expired',
}

function outcome(model: Model, row: Row, { action, retryable, exhausted }: Attempt & { exhausted: boolean }): Status {
  if (action === 'complete') return 'completed'
  if (action === 'fail' && !retryable) return 'failed'
  const threshold = row.quarantine_threshold ?? model.thresholds.get(placeOf(row)) ?? quarantineThreshold
  if (action !== 'release' && threshold > 0 && row.failure_streak_count >= threshold) return 'quarantined'
  if (action !== 'release' && exhausted) return 'failed'
  return row.cancel_requested_at === null ? 'queued' : 'cancelled'
}

/** Twice as long each time, with jitter on top, and never longer than an hour. */
function delay({ now }: Model, job: ModelJob, { action, backoff }: Attempt): void {
  const wait = Math.min(3600, backoff * 2 ** job.row.retry_count)
  const jitter = Math.min(3600, 2 * wait) - wait
  stamp(job, 'available_at', now + wait * second, action === 'fail' ? jitter * second : 0)
}

function succeed(row: Row, { result }: Attempt): void {
  row.result = result
  row.error_code = row.error_message = row.failure_streak_code = null
  row.failure_streak_count = 0
}

function countFailure(row: Row, { code, error }: Attempt): void {
  row.failure_streak_count = code === null ? 0 : row.failure_streak_code === code ? row.failure_streak_count + 1 : 1
  row.failure_streak_code = row.error_code = code
  row.last_error = error
  row.failure_timeline = [...(row.failure_timeline ?? []), code].slice(-20)
}
