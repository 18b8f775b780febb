/** The columns of jobs with their types: what the tests insert, and what they read back. */
export const columns = {
  id: 'bigint',
  uuid: 'text',
  domain: 'text',
  queue: 'text',
  job_type: 'text',
  owner_user_id: 'text',
  project_id: 'integer',
  batch_group: 'text',
  idempotency_key: 'text',
  payload: 'jsonb',
  result: 'jsonb',
  status: 'text',
  priority: 'integer',
  max_retries: 'integer',
  retry_count: 'integer',
  available_at: 'timestamptz',
  started_at: 'timestamptz',
  acquired_at: 'timestamptz',
  leased_until: 'timestamptz',
  lease_id: 'text',
  worker_id: 'text',
  error_message: 'text',
  error_code: 'text',
  error_class: 'text',
  last_error: 'text',
  error_stack: 'jsonb',
  cancel_requested_at: 'timestamptz',
  cancelled_at: 'timestamptz',
  cancellation_reason: 'text',
  completion_token: 'text',
  failure_streak_code: 'text',
  failure_streak_count: 'integer',
  quarantined_at: 'timestamptz',
  progress_percent: 'real',
  progress_message: 'text',
  request_id: 'text',
  trace_id: 'text',
  failure_timeline: 'jsonb',
  created_at: 'timestamptz',
  updated_at: 'timestamptz',
  completed_at: 'timestamptz',
} as const

type Value<Type> = Type extends 'bigint' | 'integer' | 'real' ? number : Type extends 'jsonb' ? unknown : string

/** A row of jobs; times are ISO 8601 in UTC. */
export type JobRow = { [Name in keyof typeof columns]: Value<(typeof columns)[Name]> | null }

/** What a test says about the jobs that it wants: columns, and how many days ago they ended or began. */
export type Wanted = Partial<JobRow> & { days?: number }

const day = 86_400

/** A time so many seconds before now, or before `from`. */
export const ago = (seconds: number, from = Date.now()): string => new Date(from - seconds * 1000).toISOString()

/** A job as a worker leaves it: what its status calls for is filled in, what the test says comes first. */
export function jobRow({ days = 40, ...wanted }: Wanted): Partial<JobRow> {
  const then = ago(days * day)
  const status = wanted.status ?? 'completed'
  const row = {
    uuid: crypto.randomUUID(),
    domain: 'chatbooks',
    queue: 'default',
    job_type: 'export',
    status,
    payload: { name: 'Überblick 📚' },
    priority: 5,
    max_retries: 3,
    retry_count: 0,
    failure_streak_count: 0,
    created_at: ago(days * day + 60),
    updated_at: then,
  }
  return { ...row, ...(endings[status] ?? ran)(then), ...wanted }
}

const ran = (then: string) => ({ started_at: then, acquired_at: then, lease_id: 'lease-1', worker_id: 'worker-1' })

/** What each status adds; finished jobs keep who ran them, as real ones do. */
const endings: Record<string, (then: string) => Partial<JobRow>> = {
  queued: (then) => ({ created_at: then }),
  processing: (then) => ({ ...ran(then), leased_until: ago(-3600) }),
  completed: (then) => ({ ...ran(then), completed_at: then, completion_token: 'lease-1' }),
  failed: (then) => ({ ...ran(then), completed_at: then, error_code: 'timeout', error_message: 'timeout' }),
  cancelled: (then) => ({ cancelled_at: then, cancellation_reason: 'by hand' }),
  quarantined: (then) => ({ quarantined_at: then, failure_streak_code: 'timeout', failure_streak_count: 3 }),
}
