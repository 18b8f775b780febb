import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { optional, preset } from '../scope.ts'
import { words } from '../work/job.ts'
import { documentsOfIds, filteredRequest } from './filtered-change.ts'
import { ChangedJobs } from './named-ids.ts'

export const ReclaimRequest = filteredRequest({
  worker_prefix: optional(words(256)).describe('running jobs of all workers whose id begins with this text'),
  /** False by default, since a fleet that died is no failed attempt of its jobs. */
  count_attempt: preset(z.boolean('must be true or false'), false).describe(
    'count one failed attempt with the code `lease_expired`',
  ),
})
export type ReclaimRequest = z.output<typeof ReclaimRequest>

export const reclaim = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/batch/reclaim',
  meaning: 'Takes running jobs from their workers and puts them back into the queue, due at once.',
  needs: 'change',
  scoped: 'narrowed',
  verb: 'reclaim',
  input: ReclaimRequest,
  output: ChangedJobs,
  changes: (request) => !request.dry_run,
  bulk: true,
  documents: documentsOfIds,
})
