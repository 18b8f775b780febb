import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Limited } from '../queues/throttle.ts'
import { Domain, optional, preset, Queue, ScopeName, wholeNumber } from '../scope.ts'
import { LeasedJob, words } from './job.ts'

/** Rows and events keep it. */
export const WorkerId = words(256).describe('the name of the worker')

export const LeaseSeconds = wholeNumber(1, 86_400).describe(
  'the length of the lease from now on, 60 s when absent, at most `JOBS_LEASE_MAX_SECONDS`; a renewal never makes a lease shorter',
)

export const AcquireRequest = z.strictObject({
  domain: Domain,
  queue: preset(Queue, 'default'),
  worker_id: WorkerId,
  lease_seconds: optional(LeaseSeconds),
  limit: preset(wholeNumber(1, 100), 1).describe('the most jobs to lease'),
  job_types: optional(
    z
      .array(ScopeName, 'must be a list of job types')
      .min(1, 'must name at least one')
      .max(100, 'must name at most 100'),
  ).describe('only jobs of these types'),
  owner_user_id: optional(words(128)).describe('the owner of the job'),
  wait_seconds: preset(wholeNumber(0, 60), 0).describe('how long the call may wait until there is a job'),
})
export type AcquireRequest = z.output<typeof AcquireRequest>

/**
 * What a worker needs to run a job and to end its attempt, and what it may tell of the job: the answer with `Prefer: return=minimal`, which a
 * client may send with every call.
 */
export const Attempt = LeasedJob.pick({
  id: true,
  uuid: true,
  domain: true,
  queue: true,
  job_type: true,
  status: true,
  priority: true,
  request_id: true,
  payload: true,
  owner_user_id: true,
  trace_id: true,
  traceparent: true,
  retry_count: true,
  max_retries: true,
  worker_id: true,
  lease_id: true,
  leased_until: true,
})

export const acquire = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/acquire',
  meaning: 'Leases jobs of one queue in pick order.',
  forPrograms: true,
  needs: 'work',
  scoped: 'narrowed',
  verb: 'acquire',
  input: AcquireRequest,
  output: z
    .object({
      jobs: z.array(LeasedJob).describe('The leased jobs.'),
      limited: Limited.optional().describe('set where a throttled queue gave fewer jobs than were asked for'),
    })
    .describe('In pick order, each with a new `lease_id`.'),
  minimal: true,
  changes: () => true,
  whileFrozen: true,
  unconfirmed: true,
})
