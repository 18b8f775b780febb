import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { optional, preset, ScopeName, wholeNumber } from '../scope.ts'
import { Job, words } from './job.ts'

/** The name of a worker, which rows and events keep. */
export const WorkerId = words(256)

/** The length of a lease in seconds, 60 by default. A server may allow less with `JOBS_LEASE_MAX_SECONDS`. */
export const LeaseSeconds = wholeNumber(1, 86_400)

export const AcquireRequest = z.strictObject({
  domain: ScopeName,
  queue: preset(ScopeName, 'default'),
  worker_id: WorkerId,
  lease_seconds: optional(LeaseSeconds),
  /** The most jobs to take. */
  limit: preset(wholeNumber(1, 100), 1),
  job_types: optional(
    z
      .array(ScopeName, 'must be a list of job types')
      .min(1, 'must name at least one')
      .max(100, 'must name at most 100'),
  ),
  owner_user_id: optional(words(128)),
  /** How many seconds the call may be held until there is a job. */
  wait_seconds: preset(wholeNumber(0, 60), 0),
})
export type AcquireRequest = z.output<typeof AcquireRequest>

/**
 * What a worker needs to run a job and to end its attempt, and what it may tell of the job: the answer with `Prefer: return=minimal`, which a
 * client may send with every call.
 */
export const Attempt = Job.pick({
  ...{ id: true, uuid: true, domain: true, queue: true, job_type: true, status: true, priority: true },
  ...{ request_id: true, payload: true, owner_user_id: true, trace_id: true },
  ...{ retry_count: true, max_retries: true, worker_id: true, lease_id: true, leased_until: true },
})

export const acquire = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/acquire',
  forPrograms: true,
  needs: 'work',
  scoped: 'narrowed',
  input: AcquireRequest,
  /** In pick order, each with a new `lease_id`. */
  output: z.object({ jobs: z.array(Job) }),
  minimal: true,
  changes: () => true,
  whileFrozen: true,
  unconfirmed: true,
})
