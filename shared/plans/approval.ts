import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, wholeNumber } from '../scope.ts'
import { PathId } from '../work/job.ts'

/** An operation that went past the approval it needed, and that nobody of another principal has reviewed. */
const Emergency = z.object({
  operation_id: z.number(),
  caller: z.string(),
  principal: z.string().nullable(),
})

const Approval = z.object({
  /** A change of more jobs needs an approval; null while none does. */
  above: Count.nullable(),
  /** The setting in the database, and the one of this server, which only lowers it. */
  above_in_database: Count.nullable(),
  above_on_server: Count.nullable(),
  /** The first 100 operations that wait for a review. */
  to_review: z.array(Emergency),
})
export type Approval = z.output<typeof Approval>

const allDomains = { refused: 'approvals are about all domains' } as const

/** From how many jobs on a change needs an approval, and which emergencies wait for a review. */
export const showApproval = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/approval',
  needs: 'records',
  scoped: allDomains,
  input: z.strictObject({}),
  output: Approval,
  changes: () => false,
})

/** Sets from how many jobs on a change needs an approval, for all servers. */
export const setApproval = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/approval',
  needs: 'govern',
  scoped: allDomains,
  input: z.strictObject({
    /** The most jobs of a change without an approval; null means that no change needs one. */
    above: wholeNumber(0).nullable(),
  }),
  output: Approval,
  changes: () => true,
  unconfirmed: true,
})

/** Signs an operation that went past the approval it needed. */
export const reviewOperation = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/operations/:id/review',
  needs: 'approve',
  scoped: allDomains,
  input: z.strictObject({ id: PathId }),
  output: Approval,
  changes: () => true,
  unconfirmed: true,
})
