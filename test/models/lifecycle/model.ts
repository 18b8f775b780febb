import type { Place } from './commands.ts'

/** Microseconds on the clock of the model, which goes on when the rows are moved into the past. */
export type Time = number
export const second = 1_000_000

export type Status = 'queued' | 'processing' | 'completed' | 'failed' | 'cancelled' | 'quarantined'

interface Times {
  created_at: Time
  available_at: Time | null
  acquired_at: Time | null
  started_at: Time | null
  leased_until: Time | null
  cancel_requested_at: Time | null
  cancelled_at: Time | null
  quarantined_at: Time | null
  completed_at: Time | null
}

/** The columns of a job that its life changes, or that decide about it. */
export interface Row extends Times {
  id: number
  uuid: string
  domain: string
  queue: string
  job_type: string
  owner_user_id: string | null
  idempotency_key: string | null
  status: Status
  priority: number
  max_retries: number
  retry_count: number
  lease_id: string | null
  worker_id: string | null
  progress_percent: number | null
  result: unknown
  error_code: string | null
  error_message: string | null
  last_error: string | null
  /** The codes of its failures, the latest last; null before the first. */
  failure_timeline: (string | null)[] | null
  cancellation_reason: string | null
  completion_token: string | null
  failure_streak_code: string | null
  failure_streak_count: number
  /** Null for the threshold of its queue. */
  quarantine_threshold: number | null
}

export interface ModelJob {
  row: Row
  /** What must be completed before it runs. */
  needs: ModelJob[]
  /** Times that the last call has set, and by how much the server may be later than the model. */
  fresh: Map<keyof Times, number>
}

export interface Held {
  id: number
  worker_id: string
  lease_id: string
}

export interface QueueState {
  paused: boolean
  drain: boolean
  reason: string | null
}

/** All that the server should know, in memory. */
export interface Model {
  now: Time
  /** In the order of their ids. */
  jobs: ModelJob[]
  queues: Map<Place, QueueState>
  /** The thresholds that are set for queues; 0 is never. */
  thresholds: Map<string, number>
  /** The events of the last call. */
  steps: { job?: ModelJob; event: string }[]
  /** Every lease that was ever given out. */
  leases: Held[]
  /** The finishes with a token that were accepted. */
  accepted: Set<string>
}

export const newModel = (): Model => ({
  ...{ now: 0, jobs: [], queues: new Map(), thresholds: new Map(), steps: [], leases: [], accepted: new Set() },
})

/** Sets a time that is not known to the microsecond before the server has chosen it. */
export function stamp({ row, fresh }: ModelJob, column: keyof Times, time: Time, width = 0): void {
  row[column] = time
  fresh.set(column, width)
}

export const tell = ({ steps }: Model, event: string, job: ModelJob): void => void steps.push({ job, event })

export interface Scope {
  domain?: string | undefined
  queue?: string | undefined
  job_type?: string | undefined
}

export const inScope = ({ domain, queue, job_type }: Scope) => {
  return ({ row }: ModelJob): boolean =>
    (domain ?? row.domain) === row.domain &&
    (queue ?? row.queue) === row.queue &&
    (job_type ?? row.job_type) === row.job_type
}

export const find = ({ jobs }: Model, id: number): ModelJob | undefined => jobs.find(({ row }) => row.id === id)

export const placeOf = ({ domain, queue }: { domain: string; queue: string }) => `${domain}/${queue}`

export const scopeOf = (at: Place) => {
  const [domain = '', queue = ''] = at.split('/')
  return { domain, queue }
}

const dueAt = ({ row }: ModelJob): Time => row.available_at ?? row.created_at

export const isDue = ({ now }: Model, job: ModelJob): boolean => dueAt(job) <= now

/** What can be picked up, in pick order. */
export const runnable = (model: Model, scope: Scope): ModelJob[] =>
  model.jobs
    .filter(inScope(scope))
    .filter((job) => job.row.status === 'queued' && isDue(model, job))
    .filter(({ needs }) => needs.every(({ row }) => row.status === 'completed'))
    .sort((a, b) => a.row.priority - b.row.priority || dueAt(a) - dueAt(b) || a.row.id - b.row.id)

/** Running, and held by nobody. */
export const expired = ({ jobs, now }: Model, scope: Scope): ModelJob[] =>
  jobs
    .filter(inScope(scope))
    .filter(({ row }) => row.status === 'processing' && (row.leased_until === null || row.leased_until < now))

export const hasEndedBadly = ({ row }: ModelJob): boolean => ['failed', 'cancelled', 'quarantined'].includes(row.status)

/** Why a job can never run, or undefined: of several reasons, the first in the alphabet. */
export const doomOf = ({ needs }: ModelJob): string | undefined => {
  const [worst] = needs
    .filter(hasEndedBadly)
    .map(({ row }) => row.status)
    .sort()
  return worst && `dependency_${worst}`
}

/** Cancels the queued jobs that depend on what has ended badly, and so on down. Returns the number of them. */
export function cascade(model: Model): number {
  const doomed: ModelJob[] = []
  const next = () => model.jobs.find((job) => job.row.status === 'queued' && doomOf(job) !== undefined)
  for (let job = next(); job; job = next()) {
    job.row.status = 'cancelled'
    doomed.push(job)
  }
  for (const job of doomed) cancel(model, job, doomOf(job))
  return doomed.length
}

export function cancel(model: Model, job: ModelJob, reason: string | undefined): void {
  job.row.status = 'cancelled'
  stamp(job, 'cancelled_at', model.now)
  job.row.cancellation_reason = reason ?? job.row.cancellation_reason
  job.row.leased_until = null
  tell(model, 'job.cancelled', job)
}
