import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, optional, preset } from '../scope.ts'
import { words } from '../work/job.ts'
import { bulkAnswer } from './bulk-change.ts'
import { documentsOfIds, filteredRequest } from './filtered-change.ts'
import { namedAnswer } from './named-ids.ts'

export const ReclaimRequest = filteredRequest({
  /** Running jobs of all workers whose id begins with this text. */
  worker_prefix: optional(words(256)),
  /** Counts one failed attempt with the code `lease_expired`; a fleet that died is no failed attempt of its jobs. */
  count_attempt: preset(z.boolean('must be true or false'), false),
})
export type ReclaimRequest = z.output<typeof ReclaimRequest>

/** Takes running jobs from their workers and puts them back in the queue. */
export const reclaim = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/batch/reclaim',
  needs: 'change',
  scoped: 'narrowed',
  input: ReclaimRequest,
  output: z.object({ affected: Count, ...namedAnswer, ...bulkAnswer }),
  changes: (request) => !request.dry_run,
  bulk: true,
  documents: documentsOfIds,
})
