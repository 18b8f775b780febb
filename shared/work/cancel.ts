import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, Integer, optional, preset } from '../scope.ts'
import { OwnId, PathJobId, State, text } from './job.ts'

/** The worker of a running job is asked to end it: the next renewal answers `cancel_requested`. */
export const cancel = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/:id/cancel',
  meaning:
    'Ends a queued job, or asks a running job to end. Up to 1,000 jobs that depend on it are cancelled along (`dependents`), as an operation on record; of more nothing is changed, and `/jobs/batch/cancel` with `job_id` does it.',
  forPrograms: true,
  needs: 'single',
  scoped: 'narrowed',
  verb: 'cancel_queued',
  input: z.strictObject({
    id: PathJobId.describe('the id of the job, or its uuid'),
    reason: optional(text(500)).describe('why, for the event'),
    force: preset(z.boolean('must be true or false'), false).describe(
      'end a running job now; its worker loses the lease',
    ),
  }),
  output: z.object({
    id: OwnId.describe('The id of the job.'),
    status: State.describe('The state of the job after the call.'),
    cancel_requested: z.boolean().describe('True for a running job whose worker has been asked to end it.'),
    dependents: Count.optional().describe(
      'How many further jobs were cancelled, since they depend on this one. Servers up to 0.2.0 do not send the next three fields.',
    ),
    dependents_elsewhere: Count.optional().describe(
      'To a token with a scope: how many lie outside of it, which `dependents` then leaves out.',
    ),
    operation_id: Integer.optional().describe('With dependents: the operation on record, which an undo gives back.'),
  }),
  changes: () => true,
  unconfirmed: true,
})
