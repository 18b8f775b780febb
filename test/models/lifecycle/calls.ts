import type { Place } from './commands.ts'
import {
  cancel,
  cascade,
  doomOf,
  expired,
  find,
  type Held,
  inScope,
  type Model,
  type ModelJob,
  placeOf,
  runnable,
  type Status,
  scopeOf,
  second,
  stamp,
  type Time,
  tell,
} from './model.ts'
import { type Attempt, settle, takeBack } from './settle.ts'

/** Why a call is refused, or one job of it: a code of the contract. */
export interface Refused {
  code: 'conflict' | 'invalid_request' | 'lease_lost' | 'limit_exceeded' | 'not_found' | 'queue_draining'
}

export interface NewJob {
  at: Place
  job_type: string
  owner: string | null
  priority: number
  max_retries: number
  threshold: number | null
  key: string | null
  available_at: Time | null
  /** Undefined is a job that does not exist. */
  needs: (ModelJob | undefined)[]
}

/** The jobs of the answer, in order; those that are new have no id yet. */
export function enqueue(model: Model, wanted: NewJob[]): Refused | { job: ModelJob; created: boolean }[] {
  if (isCircular(model, wanted)) return { code: 'invalid_request' }
  const fresh = wanted.filter((job) => !sameKey(model, job))
  if (fresh.some(({ at }) => model.queues.get(at)?.drain)) return { code: 'queue_draining' }
  if (fresh.some(({ needs }) => needs.includes(undefined))) return { code: 'invalid_request' }
  return wanted.map((job) => {
    const there = sameKey(model, job)
    return there ? { job: there, created: false } : { job: create(model, job), created: true }
  })
}

const sameKey = ({ jobs }: Model, { at, job_type, key }: NewJob): ModelJob | undefined =>
  jobs.filter(inScope({ ...scopeOf(at), job_type })).find(({ row }) => key !== null && row.idempotency_key === key)

/** Whether a job that is there under a key would wait for itself. */
function isCircular(model: Model, wanted: NewJob[]): boolean {
  const requests = wanted.flatMap((job) => ({ job: sameKey(model, job), needs: job.needs }))
  const next = (job: ModelJob) => [
    ...job.needs,
    ...requests.flatMap((more) => (more.job === job ? more.needs.flatMap((need) => need ?? []) : [])),
  ]
  return requests.some(({ job }) => {
    const reached = new Set(job && next(job))
    for (const other of reached) for (const need of next(other)) reached.add(need)
    return job && reached.has(job)
  })
}

function create(model: Model, { at, needs, ...wanted }: NewJob): ModelJob {
  const job: ModelJob = {
    row: {
      ...{ id: 0, uuid: '', ...scopeOf(at), job_type: wanted.job_type, owner_user_id: wanted.owner },
      ...{ idempotency_key: wanted.key, priority: wanted.priority, max_retries: wanted.max_retries },
      quarantine_threshold: wanted.threshold,
      ...{ status: 'queued', retry_count: 0, created_at: model.now, available_at: wanted.available_at },
      ...{ acquired_at: null, started_at: null, leased_until: null, lease_id: null, worker_id: null },
      ...{ cancel_requested_at: null, cancelled_at: null, cancellation_reason: null, quarantined_at: null },
      ...{ progress_percent: null, result: null, error_code: null, error_message: null, last_error: null },
      ...{ completed_at: null, completion_token: null, failure_streak_code: null, failure_streak_count: 0 },
      failure_timeline: null,
    },
    needs: [...new Set(needs.flatMap((need) => need ?? []))],
    fresh: new Map(),
  }
  stamp(job, 'created_at', model.now)
  model.jobs.push(job)
  tell(model, 'job.created', job)
  if (doomOf(job)) cancel(model, job, doomOf(job))
  return job
}

interface Acquiring {
  at: Place
  job_types: readonly string[] | undefined
  owner: string | undefined
  limit: number
}

/** What is leased, in pick order; who gets it under which lease is for the answer to say. */
export function acquire(model: Model, { at, job_types, owner, limit }: Acquiring): ModelJob[] {
  if (model.queues.get(at)?.paused) return []
  takeBack(model, expired(model, scopeOf(at)))
  return runnable(model, scopeOf(at))
    .filter(({ row }) => job_types === undefined || job_types.includes(row.job_type))
    .filter(({ row }) => owner === undefined || row.owner_user_id === owner)
    .slice(0, limit)
}

export function handOut(model: Model, job: ModelJob, held: Held, seconds: number): void {
  const { row } = job
  row.status = 'processing'
  row.lease_id = held.lease_id
  row.worker_id = held.worker_id
  row.progress_percent = null
  stamp(job, 'acquired_at', model.now)
  stamp(job, 'started_at', model.now)
  stamp(job, 'leased_until', model.now + seconds * second)
  model.leases.push(held)
  tell(model, 'job.acquired', job)
}

export const isHeldBy = (job: ModelJob | undefined, { lease_id, worker_id }: Held): boolean =>
  job?.row.status === 'processing' && job.row.lease_id === lease_id && job.row.worker_id === worker_id

interface Renewing {
  held: Held
  lease_seconds: number
  progress_percent: number | undefined
}

export function renew(model: Model, { held, lease_seconds, progress_percent }: Renewing): Refused | ModelJob {
  const job = find(model, held.id)
  if (!job) return { code: 'not_found' }
  if (!isHeldBy(job, held)) return { code: 'lease_lost' }
  const { leased_until, cancel_requested_at } = job.row
  const until = Math.max(model.now + lease_seconds * second, leased_until ?? 0)
  // The answer has the request to end the job, and an undo sees by the new time that the worker has read it.
  const told = cancel_requested_at !== null && until === leased_until ? until + 1 : until
  if (told !== leased_until) stamp(job, 'leased_until', told)
  job.row.progress_percent = progress_percent ?? job.row.progress_percent
  return job
}

/** What makes a finish the same as an earlier one; undefined when it cannot be repeated. */
export const keyOf = ({ id, worker_id, lease_id }: Held, { action, token }: Attempt): string | undefined =>
  token === null ? undefined : JSON.stringify([id, worker_id, lease_id, action, token])

/** What becomes of each: the job, as it is now, or the answer of the same finish before. */
export function finish(model: Model, items: { held: Held; attempt: Attempt }[]): (Refused | ModelJob | 'as before')[] {
  const outcomes = items.map(({ held, attempt }) => {
    const job = find(model, held.id)
    const key = keyOf(held, attempt)
    if (job && isHeldBy(job, held)) {
      settle(model, job, attempt)
      if (key !== undefined) model.accepted.add(key)
      return job
    }
    if (key !== undefined && model.accepted.has(key)) return 'as before'
    return { code: !job ? 'not_found' : isFinishedBy(job, held) ? 'conflict' : 'lease_lost' } as const
  })
  cascade(model)
  return outcomes
}

/** Under this very lease, as far as the row can tell. */
const isFinishedBy = ({ row }: ModelJob, { lease_id }: Held): boolean =>
  row.lease_id === lease_id && (row.completion_token !== null || row.status === 'completed')

interface Cancelling {
  force: boolean
  reason: string | undefined
}

export function cancelOne(
  model: Model,
  id: number,
  { force, reason }: Cancelling,
): Refused | { status: Status; cancel_requested: boolean } {
  const job = find(model, id)
  if (!job) return { code: 'not_found' }
  const { row } = job
  if (row.status === 'cancelled') return { status: 'cancelled', cancel_requested: false }
  if (row.status !== 'queued' && row.status !== 'processing') return { code: 'conflict' }
  const requested = row.cancel_requested_at !== null
  if (row.status === 'processing' && !requested) stamp(job, 'cancel_requested_at', model.now)
  if (row.status === 'queued' || force) {
    cancel(model, job, reason)
    // With jobs that depend on it, the call is an operation on record.
    if (cascade(model) > 0) model.steps.push({ event: `jobs.cancelled 1 of ${placeOf(row)}/${row.job_type}` })
    return { status: 'cancelled', cancel_requested: false }
  }
  if (!requested) {
    row.cancellation_reason = reason ?? row.cancellation_reason
    tell(model, 'job.cancel_requested', job)
  }
  return { status: 'processing', cancel_requested: true }
}
