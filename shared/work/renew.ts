import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Instant, optional } from '../scope.ts'
import { LeaseSeconds } from './acquire.ts'
import { GivenOwnJobId, OwnId, PathJobId, text } from './job.ts'
import { leaseOwnerFields, manyOf, resultOf, type WithOwnId } from './lease-owner.ts'

const fields = {
  ...leaseOwnerFields,
  lease_seconds: optional(LeaseSeconds),
  progress_percent: optional(
    z
      .number('must be a number')
      .min(0, 'must be at least 0')
      .max(100, 'must be at most 100')
      // The column is a real: a number that is too small for it becomes 0 instead of an error.
      .transform(Math.fround),
  ).describe('the progress'),
  progress_message: optional(text(1000)).describe('a sentence about the progress'),
}

export const RenewItem = z.strictObject({ ...fields, id: GivenOwnJobId.describe('the id of the job, or its uuid') })
export type RenewItem = WithOwnId<z.output<typeof RenewItem>>

export const Renewed = z.object({
  id: OwnId.describe('The id of the job.'),
  leased_until: Instant.describe('When the lease ends now.'),
  cancel_requested: z
    .boolean()
    .describe('The cancellation of the job was requested: the worker should stop and release it.'),
})
export type Renewed = z.output<typeof Renewed>

export const RenewResult = resultOf(Renewed)
export type RenewResult = z.output<typeof RenewResult>

export const renew = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/:id/renew',
  meaning: 'Extends a lease, reports progress, and tells whether the job is still wanted (`cancel_requested`).',
  forPrograms: true,
  needs: 'work',
  scoped: 'narrowed',
  verb: 'finish',
  input: z.strictObject({ ...fields, id: PathJobId.describe('the id of the job, or its uuid') }),
  output: Renewed,
  changes: () => true,
  whileFrozen: true,
  unconfirmed: true,
})

export const renewMany = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/renew',
  meaning: 'The same for up to 1,000 jobs; each job is answered on its own.',
  forPrograms: true,
  needs: 'work',
  scoped: 'narrowed',
  verb: 'finish',
  input: z.strictObject({ jobs: manyOf(RenewItem).describe('the jobs; their fields are below') }),
  output: z
    .object({ results: z.array(RenewResult).describe('The result of each job.') })
    .describe('In the order of the request.'),
  changes: () => true,
  whileFrozen: true,
  unconfirmed: true,
})
