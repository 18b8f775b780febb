import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { LeasedJob, PathJobId } from './job.ts'
import { leaseOwnerFields } from './lease-owner.ts'

/** The lease id is in the body, since URLs are in logs. */
export const leasedJob = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/:id/leased',
  meaning:
    'Reads the job whose lease the worker has, as acquire answers it and as it is now: while it runs, and after it has ended under this lease. 409 `lease_lost` where another lease or none is on it, and for the lease of another token. The call changes nothing.',
  forPrograms: true,
  needs: 'work',
  scoped: 'narrowed',
  verb: 'finish',
  input: z.strictObject({
    id: PathJobId.describe('the id of the job, or its uuid'),
    lease_id: leaseOwnerFields.lease_id,
  }),
  output: LeasedJob,
  changes: () => false,
  unconfirmed: true,
})
