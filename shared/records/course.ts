import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { PathId } from '../work/job.ts'

/** Asks a running operation to stop after its batch, whichever server runs it. */
export const stopOperation = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/operations/:id/stop',
  needs: 'change',
  scoped: 'narrowed',
  input: z.strictObject({ id: PathId }),
  output: z.object({
    id: z.number(),
    /** The state of the operation: `running` until its batch has ended. */
    state: z.string(),
    stop_requested: z.boolean(),
  }),
  changes: () => true,
  whileFrozen: true,
  unconfirmed: true,
})

/** The progress of an operation, line by line, to its end: the lines of the change itself. */
export const followOperation = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/operations/:id/progress',
  needs: 'records',
  scoped: 'narrowed',
  input: z.strictObject({ id: PathId }),
  output: z.looseObject({}),
  changes: () => false,
  progress: true,
})
