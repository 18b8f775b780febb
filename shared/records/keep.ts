import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Time } from '../time.ts'
import { PathId } from '../work/job.ts'

/** Keeps what an undo of an operation needs until a time, or longer where it is kept longer already. */
export const keepOperation = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/operations/:id/keep',
  needs: 'change',
  scoped: 'narrowed',
  input: z.strictObject({ id: PathId, until: Time }),
  output: z.object({
    id: z.number(),
    /** Until when its archived jobs and row images are kept: whole days after the end of the operation. */
    kept_until: z.string(),
  }),
  changes: () => true,
  unconfirmed: true,
})
