import type { Refused } from './calls.ts'
import {
  cancel,
  cascade,
  expired,
  hasEndedBadly,
  inScope,
  isDue,
  type Model,
  type ModelJob,
  type Scope,
  second,
  stamp,
  tell,
} from './model.ts'
import { takeBack } from './settle.ts'

/** How many jobs a change of an operator touches, and in what bounds. */
interface Change {
  scope: Scope
  dry_run: boolean
  max: number | undefined
}

/** What each change has in common: counted first, within its bound, with its record when it did anything. */
function change(model: Model, { scope, dry_run, max }: Change, event: string, jobs: ModelJob[], apply: () => void) {
  if (dry_run) return jobs.length
  if (max !== undefined && jobs.length > max) return { code: 'limit_exceeded' } satisfies Refused
  apply()
  const { domain = '*', queue = '*', job_type = '*' } = scope
  if (jobs.length > 0) model.steps.push({ event: `${event} ${jobs.length} of ${domain}/${queue}/${job_type}` })
  return jobs.length
}

export function prune(model: Model, request: Change & { statuses: string[] | undefined; older_than_days: number }) {
  const statuses = request.statuses ?? ['completed', 'failed', 'cancelled']
  const before = model.now - request.older_than_days * 86_400 * second
  const endOf = ({ row }: ModelJob) => row.completed_at ?? row.cancelled_at ?? row.quarantined_at ?? row.created_at
  const old = model.jobs
    .filter(inScope(request.scope))
    .filter((job) => statuses.includes(job.row.status) && endOf(job) < before)
  return change(model, request, 'jobs.pruned', old, () => {
    model.jobs = model.jobs.filter((job) => !old.includes(job))
    for (const job of model.jobs) job.needs = job.needs.filter((need) => !old.includes(need))
  })
}

interface Sweep extends Change {
  action: 'cancel' | 'fail'
  age_seconds?: number | undefined
  runtime_seconds?: number | undefined
}

export function sweep(model: Model, request: Sweep) {
  const { age_seconds: age = Number.POSITIVE_INFINITY, runtime_seconds: runtime = Number.POSITIVE_INFINITY } = request
  const past = model.jobs.filter(inScope(request.scope)).filter(({ row }) => {
    if (row.status === 'queued') return row.created_at <= model.now - age * second
    return row.status === 'processing' && (row.started_at ?? 0) <= model.now - runtime * second
  })
  return change(model, request, 'jobs.ttl_sweep', past, () => {
    for (const job of past) {
      const reason = job.row.status === 'queued' ? 'ttl_age' : 'ttl_runtime'
      if (request.action === 'cancel') cancel(model, job, reason)
      else fail(model, job, reason)
    }
    cascade(model)
  })
}

function fail(model: Model, job: ModelJob, reason: string): void {
  job.row.status = 'failed'
  job.row.error_message = reason
  job.row.leased_until = null
  stamp(job, 'completed_at', model.now)
  tell(model, 'job.failed', job)
}

export function requeue(model: Model, request: Change & { job_id: number | undefined }) {
  const jobs = model.jobs
    .filter(inScope(request.scope))
    .filter(({ row }) => row.status === 'quarantined' && (request.job_id ?? row.id) === row.id)
  const revived = revivable(model, jobs)
  return change(model, request, 'jobs.requeued', jobs, () => {
    for (const job of jobs) {
      job.row = {
        ...job.row,
        ...{ status: 'queued', retry_count: 0, failure_streak_code: null, failure_streak_count: 0 },
        ...{ quarantined_at: null, completion_token: null, cancel_requested_at: null, cancellation_reason: null },
      }
      stamp(job, 'available_at', model.now)
      tell(model, 'job.requeued', job)
    }
    for (const job of revived) {
      job.row = { ...job.row, status: 'queued', cancelled_at: null, cancellation_reason: null }
      tell(model, 'job.revived', job)
    }
  })
}

/** The jobs that were cancelled because of jobs that run again, and that no other job holds up. */
function revivable(model: Model, again: ModelJob[]): ModelJob[] {
  const along: ModelJob[] = []
  const runs = (job: ModelJob) => again.includes(job) || along.includes(job)
  const wasDropped = ({ row }: ModelJob) =>
    row.status === 'cancelled' && row.cancel_requested_at === null && isDoom(row.cancellation_reason)
  const next = () => model.jobs.find((job) => !runs(job) && wasDropped(job) && job.needs.some(runs))
  for (let job = next(); job; job = next()) along.push(job)
  const isBlocked = (job: ModelJob): boolean =>
    job.needs.some((need) => (along.includes(need) ? isBlocked(need) : hasEndedBadly(need) && !again.includes(need)))
  return along.filter((job) => !isBlocked(job))
}

const isDoom = (reason: string | null) => reason?.startsWith('dependency_') ?? false

/** The server itself leaves no stale lease behind: what can be found is leases that have run out. */
export function integrity(model: Model, request: Change) {
  const lost = expired(model, request.scope)
  return change(model, request, 'jobs.integrity_sweep', lost, () => takeBack(model, lost))
}

/** The counts of one group of jobs after the other. */
export function stats(model: Model, scope: Scope) {
  const jobs = model.jobs.filter(inScope(scope))
  const nameOf = ({ row: { domain, queue, job_type } }: ModelJob) => JSON.stringify([domain, queue, job_type])
  return [...new Set(jobs.map(nameOf))].sort().map((name) => {
    const group = jobs.filter((job) => nameOf(job) === name)
    const count = (test: (job: ModelJob) => boolean) => group.filter(test).length
    const [domain, queue, job_type] = JSON.parse(name)
    return {
      ...{ domain, queue, job_type },
      queued: count((job) => job.row.status === 'queued' && isDue(model, job)),
      scheduled: count((job) => job.row.status === 'queued' && !isDue(model, job)),
      processing: count(({ row }) => row.status === 'processing'),
      quarantined: count(({ row }) => row.status === 'quarantined'),
    }
  })
}
