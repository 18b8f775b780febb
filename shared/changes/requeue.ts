import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Domain, optional, scopeFields, wholeNumber } from '../scope.ts'
import { GivenJobId } from '../work/job.ts'
import { bulkFields } from './bulk-change.ts'
import { documentsOfIds, fieldsBesideScope, prepareFilter } from './filtered-change.ts'
import { JobsRunAgain, runAgainFields } from './retry.ts'

const Requeue = z.strictObject({
  ...scopeFields,
  ...fieldsBesideScope,
  domain: Domain,
  job_id: optional(GivenJobId).describe('this job alone'),
  ...bulkFields,
  ...runAgainFields,
  limit: optional(wholeNumber(1, 1000)).describe(
    'requeue at most this number; the answer has their ids and a token for the rest',
  ),
})
export const RequeueRequest = z.preprocess(prepareFilter, Requeue)
export type RequeueRequest = z.output<typeof RequeueRequest>

export const requeue = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/batch/requeue_quarantined',
  meaning:
    'Puts quarantined jobs back into the queue, due at once, with all their retries before them, and brings back the jobs that were cancelled because of them.',
  needs: 'change',
  scoped: 'narrowed',
  verb: 'requeue',
  aliases: ['/api/v1/jobs/batch/requeue-quarantined'],
  input: RequeueRequest,
  output: JobsRunAgain,
  changes: (request) => !request.dry_run,
  bulk: true,
  documents: documentsOfIds,
})
