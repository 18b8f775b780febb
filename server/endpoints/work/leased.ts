import { Failure } from '../../../shared/errors.ts'
import type { Job } from '../../../shared/work/job.ts'
import type { Call, Reading } from '../../call.ts'
import { isWithin } from '../../database/scope.ts'
import { type Perhaps, wholeJob } from '../../lifecycle/job-row.ts'
import { leaseLost, mayFinish, singleResult } from '../../lifecycle/lease-owner.ts'
import type { OwnInputOf } from '../handlers.ts'

/**
 * The job with this id, for the worker whose lease is on it. A job outside of the scope of the caller is as one that does not exist.
 * @throws Failure `not_found`; `lease_lost` where the job has another lease or none, and for a lease of another token
 */
export async function leasedJob(
  { sql, within, leaseOwner }: Reading & Pick<Call, 'leaseOwner'>,
  { id, lease_id }: OwnInputOf<'leasedJob'>,
): Promise<Job> {
  // The lease of another token is compared with nothing, in the same statement.
  const lease = mayFinish(leaseOwner, lease_id) ? lease_id : null
  const [found] = await sql<Perhaps<Job>[]>`
    select ${wholeJob.selected(sql)}
    from (select jobs.id from jobs where jobs.id = ${id}::job_id ${isWithin(sql, within)}) as known
    left join jobs on jobs.id = known.id and jobs.lease_id = ${lease}::text`
  if (!found) throw new Failure('not_found', `there is no job ${id}`)
  return wholeJob.isFound(found) ? found : singleResult<Job & { ok: true }>([leaseLost(id)])
}
