import { setImmediate as nextTurn } from 'node:timers/promises'
import * as z from 'zod'
import type { Limited } from '../../../shared/queues/throttle.ts'
import { type AcquireRequest, Attempt, acquire as acquireEndpoint } from '../../../shared/work/acquire.ts'
import type { Job, LeasedJob } from '../../../shared/work/job.ts'
import { requireWithin } from '../../auth/require-scope.ts'
import type { Leased, SharedLease, WorkCall } from '../../call.ts'
import { attemptOfJob, type JobShape, leasedJob } from '../../lifecycle/job-row.ts'
import { nextDueMs } from '../../lifecycle/lease/due.ts'
import { leaseJobs } from '../../lifecycle/lease/lease.ts'
import { leaseLengthFaults, rejectFaults } from '../../lifecycle/server-limits.ts'
import { queueKey, withDeadline } from '../../waiting/long-poll.ts'
import { releaseJob } from './finish.ts'

/** The longest pause between two attempts of a held call, in milliseconds: other programs insert jobs without NOTIFY. */
const pollMs = 1000

/**
 * Leases jobs in pick order. With `wait_seconds` the call is held until there is a job, or the time is over. The leases of
 * a caller that disconnects before its response is written are released.
 * @throws Failure `invalid_request` for a lease that is longer than this server allows; `forbidden` for a queue or a job type outside
 * of the scope of the caller
 */
export const acquire = (call: WorkCall, request: AcquireRequest): Promise<Leased<LeasedJob>> =>
  acquireAs(call, request, { shape: leasedJob, leaseShared: call.sharedLease.whole })

/** Leases jobs as `acquire`, and answers of each what a worker needs to run it and to end its attempt. */
export const acquireMinimally = async (call: WorkCall, request: AcquireRequest) => ({
  body: MinimalOutput.parse(
    await acquireAs(call, request, { shape: attemptOfJob, leaseShared: call.sharedLease.attempt }),
  ),
})

const MinimalOutput = acquireEndpoint.output.extend({ jobs: z.array(Attempt) })

/** What a release needs. */
type Attempted = Pick<Job, 'id' | 'worker_id' | 'lease_id'>

async function acquireAs<Row extends Attempted>(
  call: WorkCall,
  given: AcquireRequest,
  { shape, leaseShared }: { shape: JobShape<Row>; leaseShared: SharedLease<Row> },
): Promise<Leased<Row>> {
  const request = withinScope(call, given)
  rejectFaults(leaseLengthFaults(call, request.lease_seconds, 'lease_seconds'))
  call.workerSightings.asked(request)
  const atOnce = (await leaseShared(call, request)) ?? (await leaseJobs(call, request, shape))
  const found = atOnce.jobs.length > 0 || request.wait_seconds === 0 ? atOnce : await waitForJobs(call, request, shape)
  return handOver(call, found)
}

/**
 * The request of a caller that is limited to job types, which takes jobs of these types where it names none.
 * @throws Failure `forbidden` for a queue or a job type outside of the scope of the caller
 */
function withinScope(call: WorkCall, request: AcquireRequest): AcquireRequest {
  if (call.within === undefined) return request
  const { domain, queue } = request
  const job_types = request.job_types ?? (call.within.job_types.length > 0 ? call.within.job_types : undefined)
  for (const job_type of job_types ?? [undefined])
    requireWithin(call, { domain, queue, job_type }, `${domain}/${queue}${job_type ? ` ${job_type}` : ''}`)
  return { ...request, job_types }
}

async function waitForJobs<Row extends Attempted>(
  call: WorkCall,
  request: AcquireRequest,
  shape: JobShape<Row>,
): Promise<Leased<Row>> {
  const { job_types, owner_user_id, wait_seconds } = request
  const sharedBy = { queue: queueKey(request), kind: JSON.stringify([job_types, owner_user_id]) }
  let limited: Limited | undefined
  const attempt = async () => {
    await call.recheckCredentials()
    const found = await leaseJobs(call, request, shape)
    limited = found.limited
    if (found.jobs.length > 0) return { found }
    const nextMs = limited?.retry_in_seconds ? limited.retry_in_seconds * 1000 + 1 : await nextDueMs(call, request)
    return { retryInMs: Math.min(pollMs, nextMs) }
  }
  const found = await withDeadline([call.disconnected(), call.stopping], wait_seconds * 1000, (until) =>
    call.longPolls.watch({ ...sharedBy, until, attempt }),
  )
  return found ?? { jobs: [], limited }
}

/** Answers the jobs; releases them if the caller disconnects before the response is written. */
async function handOver<Row extends Attempted>(call: WorkCall, { jobs, limited }: Leased<Row>): Promise<Leased<Row>> {
  const answer = limited ? { jobs, limited } : { jobs }
  call.reportChangedRows(jobs.length)
  if (jobs.length === 0) return answer
  // The operating system may have closed the connection already; Node reports that in its next poll of the network.
  for (let turn = 0; turn < 3; turn++) await nextTurn()
  const disconnected = call.disconnected()
  if (disconnected.aborted) releaseAll(call, jobs)
  else disconnected.addEventListener('abort', () => releaseAll(call, jobs), { once: true })
  return answer
}

function releaseAll(call: WorkCall, jobs: readonly Attempted[]): void {
  for (const { id, worker_id, lease_id } of jobs) {
    if (worker_id === null || lease_id === null) continue
    const request = { id, worker_id, lease_id, completion_token: undefined }
    releaseJob({ ...call, requireCompletionToken: false }, request).catch((error: unknown) =>
      call.log.warn(`job ${id} stays leased until its lease expires, although its worker has disconnected: ${error}`),
    )
  }
}
