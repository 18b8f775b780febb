import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { askedOfStates } from '../engine/verbs.ts'
import { Count, optional, preset } from '../scope.ts'
import { words } from '../work/job.ts'
import { bulkAnswer } from './bulk-change.ts'
import { documentsOfIds, filteredRequest } from './filtered-change.ts'
import { namedAnswer } from './named-ids.ts'
import { refusedAnswer } from './refused.ts'

export const CancelBatchRequest = filteredRequest({
  /** Without it the workers of running jobs are asked to end them. */
  force: preset(z.boolean('must be true or false'), false).describe(
    'end running jobs now, too; their workers lose the lease',
  ),
  reason: optional(words(500)).describe('kept with each job as `cancellation_reason`; `batch_cancel` when absent'),
})
export type CancelBatchRequest = z.output<typeof CancelBatchRequest>

export const cancelBatch = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/batch/cancel',
  meaning:
    'Cancels queued jobs with those that depend on them, and asks the workers of running jobs to end them. `affected` counts both; `cancelled` and `asked` stand beside it.',
  needs: 'change',
  scoped: 'narrowed',
  // Without force, another engine than our own cancels queued jobs alone, unless the call names running ones.
  verb: ({ status, force }) =>
    askedOfStates(force ? status : (status ?? ['queued']), { queued: 'cancel_queued', running: 'cancel_running' }),
  input: CancelBatchRequest,
  output: z.object({
    affected: Count.describe('All jobs that were ended, or whose end was asked for.'),
    cancelled: Count.optional().describe('How many queued jobs were cancelled.'),
    asked: Count.optional().describe('Running jobs whose workers were asked to end them.'),
    ...refusedAnswer,
    ended_as: z
      .string()
      .optional()
      .describe('The status that the jobs have now, where the engine has no cancelled jobs.'),
    ...namedAnswer,
    ...bulkAnswer,
  }),
  changes: (request) => !request.dry_run,
  bulk: true,
  documents: documentsOfIds,
})
