import type { Finding } from '../../../shared/explain/reason.ts'
import type { Redactor } from '../../database/redact.ts'

/** The columns of a job that its state is explained by. Other programs may have left any of them out. */
export interface JobState {
  status: string | null
  uuid: string | null
  /** When the job falls due. */
  due_at: string | null
  /** Seconds until then; null where the job is due. */
  due_in: number | null
  acquired_at: string | null
  leased_until: string | null
  has_lease: boolean
  worker_id: string | null
  lease_fingerprint: string | null
  quarantined_at: string | null
  completed_at: string | null
  cancelled_at: string | null
  cancel_requested_at: string | null
  cancellation_reason: string | null
  error_code: string | null
  error_message: string | null
  failure_streak_code: string | null
  failure_streak_count: number | null
  retry_count: number | null
  max_retries: number | null
  /** After how many failures the job is quarantined, as its row says and its queue; null where they say nothing. */
  threshold_of_job: number | null
  threshold_of_queue: number | null
}

interface StateFindings {
  findings: Finding[]
  /** The job waits for something outside of its row, too: its queue, other jobs, workers. */
  isWaiting: boolean
}

/**
 * What the row of a job says about why it does not run.
 * @param ofServer the threshold of the server
 */
export function findingsOfState(job: JobState, redactor: Redactor, ofServer: number): StateFindings {
  const { status } = job
  // A queued job that another program has asked to end is leased like any other, so that is no reason.
  if (status === 'queued') return { findings: notDue(job), isWaiting: true }
  if (status === 'processing') {
    const code = job.has_lease ? 'leased' : 'lease_over'
    return { findings: [{ code, facts: leaseOf(job) }, ...cancelAsked(job, redactor)], isWaiting: !job.has_lease }
  }
  if (status === 'quarantined') {
    const facts = { ...errorOf(job, redactor), streak: job.failure_streak_count, ...thresholdOf(job, ofServer) }
    return { findings: [{ code: 'quarantined', facts }], isWaiting: true }
  }
  if (status === 'failed' && job.max_retries !== null && (job.retry_count ?? 0) >= job.max_retries) {
    const { retry_count, max_retries } = job
    const facts = { ...errorOf(job, redactor), retry_count, max_retries }
    return { findings: [{ code: 'retries_used_up', facts }], isWaiting: true }
  }
  if (status === 'completed' || status === 'failed' || status === 'cancelled') {
    return { findings: [finished(job, { status, archived: false, redactor })], isWaiting: false }
  }
  return { findings: [{ code: 'unknown_state', facts: { status } }], isWaiting: false }
}

function thresholdOf({ threshold_of_job, threshold_of_queue }: JobState, ofServer: number) {
  if (threshold_of_job !== null) return { threshold: threshold_of_job, threshold_of: 'job' as const }
  if (threshold_of_queue !== null) return { threshold: threshold_of_queue, threshold_of: 'queue' as const }
  return { threshold: ofServer, threshold_of: 'server' as const }
}

interface End {
  status: string
  archived: boolean
  redactor: Redactor
}

type Ended = Pick<
  JobState,
  'completed_at' | 'cancelled_at' | 'quarantined_at' | 'cancellation_reason' | 'error_code' | 'error_message'
>

/** That a job has ended, and why. */
export function finished(job: Ended, { status, archived, redactor }: End): Finding {
  const why = status === 'cancelled' ? job.cancellation_reason : (job.error_code ?? job.error_message)
  const since = job.completed_at ?? job.cancelled_at ?? job.quarantined_at
  const facts = {
    status,
    since,
    why: why === null || status === 'completed' ? null : shortened(redactor.text(why)),
    archived,
  }
  return { code: 'finished', facts }
}

function notDue({ due_at, due_in }: JobState): Finding[] {
  if (due_at === null || due_in === null) return []
  return [{ code: 'not_due', facts: { available_at: due_at, seconds: due_at === 'infinity' ? null : due_in } }]
}

function cancelAsked(
  { cancel_requested_at: since, cancellation_reason: why }: JobState,
  { text }: Redactor,
): Finding[] {
  if (since === null) return []
  return [{ code: 'cancel_requested', facts: { since, why: why === null ? null : shortened(text(why)) } }]
}

const leaseOf = ({ worker_id, leased_until, acquired_at, lease_fingerprint }: JobState) => ({
  worker_id,
  leased_until,
  since: acquired_at,
  lease_fingerprint,
})

function errorOf(job: JobState, { text }: Redactor) {
  const { error_code, failure_streak_code, error_message } = job
  return {
    since: job.quarantined_at ?? job.completed_at,
    error_code: error_code ?? failure_streak_code,
    error: error_message === null ? null : shortened(text(error_message)),
  }
}

/** The most characters of an error in a sentence. */
const mostCharacters = 300

function shortened(text: string): string {
  const characters = [...text.slice(0, 2 * mostCharacters)]
  return characters.length > mostCharacters ? `${characters.slice(0, mostCharacters).join('')}…` : text
}
