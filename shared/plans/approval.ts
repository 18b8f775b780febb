import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, Integer, wholeNumber } from '../scope.ts'
import { PathId } from '../work/job.ts'

/** An operation that went past the approval it needed, and that nobody of another principal has reviewed. */
export const Emergency = z.object({
  operation_id: Integer.describe('The id of the operation.'),
  caller: z.string().describe('The id of the caller who went past the approval.'),
  principal: z.string().nullable().describe('Whom the token of the caller was for; null to callers that only read.'),
})

export const Approval = z.object({
  above: Count.nullable().describe('A change of more jobs needs an approval; null while none does.'),
  above_in_database: Count.nullable().describe(
    'The setting in the database, and the one of this server, which only lowers it.',
  ),
  above_on_server: Count.nullable().describe(
    'The same setting of this server (`JOBS_APPROVAL_ABOVE`); null where it has none.',
  ),
  above_edit: Count.nullable()
    .optional()
    .describe(
      'An edit of more jobs needs an approval, beside `above`; null while there is no such number. Servers up to 0.2.0 do not send it.',
    ),
  to_review: z.array(Emergency).describe('The first 100 operations that wait for a review.'),
})
export type Approval = z.output<typeof Approval>

const allDomains = { refused: 'approvals are about all domains' } as const

export const showApproval = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/approval',
  meaning: 'From how many jobs on a change needs an approval, and which emergencies wait for a review.',
  needs: 'records',
  scoped: allDomains,
  verb: 'plans',
  input: z.strictObject({}),
  output: Approval,
  changes: () => false,
})

export const setApproval = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/approval',
  meaning:
    'Sets from how many jobs on a change needs the approval of another principal, for all servers; null means that none does. 409 `conflict` in single-user mode.',
  needs: 'govern',
  scoped: allDomains,
  verb: 'plans',
  input: z.strictObject({
    above: wholeNumber(0)
      .nullable()
      .describe('the most jobs of a change without an approval; null means that no change needs one'),
    kind: z.literal('edit', 'must be edit').optional().describe('sets the number for edits alone'),
  }),
  output: Approval,
  changes: () => true,
  unconfirmed: true,
})

export const reviewOperation = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/operations/:id/review',
  meaning:
    'Signs an operation that went past the approval it needed (`X-Emergency`): by another principal than its own. 404 for an operation that waits for no review.',
  needs: 'approve',
  scoped: allDomains,
  verb: 'plans',
  input: z.strictObject({ id: PathId.describe('the id of the operation') }),
  output: Approval,
  changes: () => true,
  unconfirmed: true,
})
