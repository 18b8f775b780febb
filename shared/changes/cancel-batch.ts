import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, optional, preset } from '../scope.ts'
import { words } from '../work/job.ts'
import { bulkAnswer } from './bulk-change.ts'
import { documentsOfIds, filteredRequest } from './filtered-change.ts'
import { namedAnswer } from './named-ids.ts'

export const CancelBatchRequest = filteredRequest({
  /** Ends running jobs at once, too; their workers lose the lease. Otherwise their workers are asked to end them. */
  force: preset(z.boolean('must be true or false'), false),
  /** Kept with each job as `cancellation_reason`; `batch_cancel` when absent. */
  reason: optional(words(500)),
})
export type CancelBatchRequest = z.output<typeof CancelBatchRequest>

/** Cancels queued jobs, and ends running jobs or asks for their end. */
export const cancelBatch = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/batch/cancel',
  needs: 'change',
  scoped: 'narrowed',
  input: CancelBatchRequest,
  output: z.object({
    /** All jobs that were ended, or whose end was asked for. */
    affected: Count,
    cancelled: Count.optional(),
    /** Running jobs whose workers were asked to end them. */
    asked: Count.optional(),
    ...namedAnswer,
    ...bulkAnswer,
  }),
  changes: (request) => !request.dry_run,
  bulk: true,
  documents: documentsOfIds,
})
