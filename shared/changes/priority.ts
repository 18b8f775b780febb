import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, wholeNumber } from '../scope.ts'
import { bulkAnswer } from './bulk-change.ts'
import { documentsOfIds, filteredRequest } from './filtered-change.ts'
import { namedAnswer } from './named-ids.ts'

export const PriorityRequest = filteredRequest({
  /** From 1, which runs first, to 10. */
  priority: wholeNumber(1, 10),
})
export type PriorityRequest = z.output<typeof PriorityRequest>

/** Sets the priority of queued jobs. */
export const setPriority = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/batch/priority',
  needs: 'change',
  scoped: 'narrowed',
  input: PriorityRequest,
  output: z.object({ affected: Count, ...namedAnswer, ...bulkAnswer }),
  changes: (request) => !request.dry_run,
  bulk: true,
  documents: documentsOfIds,
})
