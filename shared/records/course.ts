import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Integer } from '../scope.ts'
import { PathId } from '../work/job.ts'

export const stopOperation = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/operations/:id/stop',
  meaning: 'Asks a running operation to stop after its batch, whichever server runs it. Its batches stand.',
  needs: 'change',
  scoped: 'narrowed',
  verb: 'records',
  input: z.strictObject({ id: PathId.describe('the id of the operation') }),
  output: z.object({
    id: Integer.describe('The id of the operation.'),
    state: z.string().describe('The state of the operation: `running` until its batch has ended.'),
    stop_requested: z.boolean().describe('True once the stop is asked for.'),
  }),
  changes: () => true,
  whileFrozen: true,
  unconfirmed: true,
})

/** The lines are those of the change itself. */
export const followOperation = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/operations/:id/progress',
  meaning:
    'The progress of an operation, a line of JSON each, to its end: `{"progress": …}`, then `{"result": …}` or `{"error": …}`.',
  needs: 'records',
  scoped: 'narrowed',
  verb: 'records',
  input: z.strictObject({ id: PathId.describe('the id of the operation') }),
  output: z.looseObject({}),
  changes: () => false,
  progress: true,
})
