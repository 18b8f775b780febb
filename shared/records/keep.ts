import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Instant, Integer, Time } from '../scope.ts'
import { PathId } from '../work/job.ts'

export const keepOperation = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/operations/:id/keep',
  meaning: 'Keeps what an undo of the operation needs until a time, or longer where it is kept longer already.',
  needs: 'change',
  scoped: 'narrowed',
  verb: 'records',
  ofOperation: true,
  input: z.strictObject({
    id: PathId.describe('the id of the operation'),
    until: Time.describe(
      'the time up to which its jobs and row images are kept, rounded up to whole days since its end, at most 3,650',
    ),
  }),
  output: z.object({
    id: Integer.describe('The id of the operation.'),
    kept_until: Instant.describe(
      'Until when its archived jobs and row images are kept: whole days after the end of the operation.',
    ),
  }),
  changes: () => true,
  unconfirmed: true,
})
