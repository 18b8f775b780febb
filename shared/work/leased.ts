import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Job, PathId } from './job.ts'
import { leaseOwnerFields } from './lease-owner.ts'

/**
 * A job with the lease that is on it, as acquire has answered it and as it is now: while it runs, and after it has ended under this lease.
 * The lease id is in the body, since URLs are in logs.
 */
export const leasedJob = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/:id/leased',
  forPrograms: true,
  needs: 'work',
  scoped: 'narrowed',
  input: z.strictObject({ id: PathId, lease_id: leaseOwnerFields.lease_id }),
  output: Job,
  changes: () => false,
  unconfirmed: true,
})
