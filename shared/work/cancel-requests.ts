import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { preset, wholeNumber } from '../scope.ts'
import { WorkerId } from './acquire.ts'
import { OwnId } from './job.ts'

export const CancelRequestsRequest = z.strictObject({
  worker_id: WorkerId,
  known: preset(z.array(OwnId, 'must be a list of ids').max(1000, 'must name at most 1,000 jobs'), []).describe(
    'running jobs whose cancellation the worker knows of: the call does not end for them',
  ),
  wait_seconds: preset(wholeNumber(0, 60), 0).describe(
    'how long the call may wait until somebody asks for the end of a job',
  ),
})
export type CancelRequestsRequest = z.output<typeof CancelRequestsRequest>

export const cancelRequests = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/cancel_requests',
  meaning:
    'Names the running jobs of a worker that somebody asked to end, about a second after it was asked. A renewal tells the same, when it is made.',
  forPrograms: true,
  needs: 'work',
  scoped: 'narrowed',
  verb: 'finish',
  input: CancelRequestsRequest,
  output: z.object({ ids: z.array(OwnId).describe('The ids of the jobs that are to end.') }),
  changes: () => false,
  unconfirmed: true,
})
