import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, optional, ScopeName, scopeFields, wholeNumber } from '../scope.ts'
import { bulkAnswer, bulkFields } from './bulk-change.ts'
import { documentsOfIds, narrowerFields, prepareFilter } from './filtered-change.ts'
import { namedAnswer } from './named-ids.ts'
import { runAgainAnswer, runAgainFields } from './retry.ts'

const Requeue = z.strictObject({
  ...scopeFields,
  ...narrowerFields,
  domain: ScopeName,
  job_id: optional(wholeNumber(1)),
  ...bulkFields,
  ...runAgainFields,
  /** Requeues at most this many jobs: the response lists their ids and has a token for the other jobs. */
  limit: optional(wholeNumber(1, 1000)),
})
export const RequeueRequest = z.preprocess(prepareFilter, Requeue)
export type RequeueRequest = z.output<typeof RequeueRequest>

export const requeue = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/batch/requeue_quarantined',
  needs: 'change',
  scoped: 'narrowed',
  aliases: ['/api/v1/jobs/batch/requeue-quarantined'],
  input: RequeueRequest,
  output: z.object({
    affected: Count,
    ...runAgainAnswer,
    ...namedAnswer,
    ...bulkAnswer,
  }),
  changes: (request) => !request.dry_run,
  bulk: true,
  documents: documentsOfIds,
})
