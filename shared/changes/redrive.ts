import type * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { documentsOfIds, filteredRequest } from './filtered-change.ts'
import { ChangedJobs } from './named-ids.ts'

export const RedriveRequest = filteredRequest({})
export type RedriveRequest = z.output<typeof RedriveRequest>

export const redrive = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/redrive',
  meaning:
    'Moves jobs out of dead letter queues, back into the queues that they came from: each becomes a new job there. `queue` is the dead letter queue, and `job_type` the queue that its jobs came from.',
  needs: 'change',
  scoped: 'narrowed',
  verb: 'redrive',
  input: RedriveRequest,
  output: ChangedJobs,
  changes: (request) => !request.dry_run,
  bulk: true,
  documents: documentsOfIds,
})
