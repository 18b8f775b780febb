import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, wholeNumber } from '../scope.ts'
import { bulkAnswer } from './bulk-change.ts'
import { documentsOfIds, filteredRequest } from './filtered-change.ts'
import { namedAnswer } from './named-ids.ts'

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
  input: PriorityRequest,
  output: z.object({ affected: Count, ...namedAnswer, ...bulkAnswer }),
  changes: (request) => !request.dry_run,
  bulk: true,
  documents: documentsOfIds,
})
