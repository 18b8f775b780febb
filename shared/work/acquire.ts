import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { optional, preset, ScopeName, wholeNumber } from '../scope.ts'
import { Job, words } from './job.ts'

/** Who works, as rows and events name it. */
export const WorkerId = words(256)

/** Seconds of a lease: 60 if nothing is said; the server may allow less, by `JOBS_LEASE_MAX_SECONDS`. */
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
  /** How long the call may be held until there is a job. */
  wait_seconds: preset(wholeNumber(0, 60), 0),
})
export type AcquireRequest = z.output<typeof AcquireRequest>

export const acquire = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/acquire',
  input: AcquireRequest,
  /** In pick order, each with a fresh `lease_id`. */
  output: z.object({ jobs: z.array(Job) }),
  changes: () => true,
  unconfirmed: true,
})
