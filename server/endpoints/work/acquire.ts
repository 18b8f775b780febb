import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AcquireRequest } from '../../../shared/work/acquire.ts'
import type { Job } from '../../../shared/work/job.ts'
import type { Call } from '../../call.ts'
import { nextDueMs } from '../../lifecycle/due.ts'
import { leaseJobs } from '../../lifecycle/lease.ts'
import { leaseLengthFaults, rejectFaults } from '../../lifecycle/server-limits.ts'
import { queueKey, withDeadline } from '../../waiting/long-poll.ts'
import { releaseJob } from './finish.ts'

/** How long a held call goes without looking, in milliseconds: other programs' jobs come without a notice. */
const pollMs = 1000

/** Leases jobs in pick order; with `wait_seconds`, once there are any. A caller that is gone takes none along. */
export async function acquire(call: Call, request: AcquireRequest): Promise<{ jobs: Job[] }> {
  rejectFaults(leaseLengthFaults(call, request.lease_seconds, 'lease_seconds'))
  const atOnce = await leaseJobs(call, request)
  if (atOnce.length > 0 || request.wait_seconds === 0) return handOver(call, atOnce)
  const { job_types, owner_user_id, wait_seconds } = request
  const line = { queue: queueKey(request), kind: JSON.stringify([job_types, owner_user_id]) }
  const look = async () => {
    await call.recheckCredentials()
    const jobs = await leaseJobs(call, request)
    return jobs.length > 0 ? { found: jobs } : { againInMs: Math.min(pollMs, await nextDueMs(call, request)) }
  }
  const found = await withDeadline([call.disconnected(), call.stopping], wait_seconds * 1000, (until) =>
    call.longPolls.watch({ ...line, until, look }),
  )
  return handOver(call, found ?? [])
}

/** Should the caller be gone before it has read its jobs, they go back to the queue. */
async function handOver(call: Call, jobs: Job[]): Promise<{ jobs: Job[] }> {
  call.reportChangedRows(jobs.length)
  if (jobs.length === 0) return { jobs }
  // The system may know already that it is gone: this program hears of it in its next look at the network.
  for (let turn = 0; turn < 3; turn++) await nextTurn()
  const giveBack = () => {
    for (const { id, worker_id, lease_id } of jobs) {
      if (worker_id === null || lease_id === null) continue
      releaseJob(
        { ...call, requireCompletionToken: false },
        { id, worker_id, lease_id, completion_token: undefined },
      ).catch((error: unknown) =>
        call.log.warn(`job ${id} waits for its lease to run out; its worker is gone: ${error}`),
      )
    }
  }
  const gone = call.disconnected()
  if (gone.aborted) giveBack()
  else gone.addEventListener('abort', giveBack, { once: true })
  return { jobs }
}
