import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, optional, ScopeName, scopeFields, wholeNumber } from '../scope.ts'
import { bulkAnswer, bulkFields } from './bulk-change.ts'
import { documentsOfIds, narrowerFields, prepareFilter } from './filtered-change.ts'
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

/** A job that a request names and that does not match. */
const NotMatched = z.object({ id: z.number(), status: z.string().nullable() })
export type NotMatched = z.output<typeof NotMatched>

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
    /**
     * With `job_id`, where the job was not requeued, or would not be: the status of this job, or null where no job has the
     * id. The filter plays no part here. At most 100 jobs.
     */
    not_matched: z.array(NotMatched).optional(),
    ...bulkAnswer,
  }),
  changes: (request) => !request.dry_run,
  bulk: true,
  documents: documentsOfIds,
})
