import type * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { wholeNumber } from '../scope.ts'
import { documentsOfIds, filteredRequest } from './filtered-change.ts'
import { ChangedJobs } from './named-ids.ts'

export const PriorityRequest = filteredRequest({
  priority: wholeNumber(1, 10).describe('a job with a lower number runs first'),
})
export type PriorityRequest = z.output<typeof PriorityRequest>

export const setPriority = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/batch/priority',
  meaning: 'Sets the priority of queued jobs.',
  needs: 'change',
  scoped: 'narrowed',
  verb: 'priority',
  input: PriorityRequest,
  output: ChangedJobs,
  changes: (request) => !request.dry_run,
  bulk: true,
  documents: documentsOfIds,
})
