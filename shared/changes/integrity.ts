import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { jobFilterFields } from '../jobs/job-filter.ts'
import { Count, scopeFields } from '../scope.ts'
import { bulkAnswer, bulkFields } from './bulk-change.ts'
import { documentsOfIds, fieldsBesideScope, prepareFilter } from './filtered-change.ts'

export const IntegrityRequest = z.preprocess(
  prepareFilter,
  z.strictObject({
    fix: z.boolean('must be true or false').default(false).describe('repair, and not only count'),
    ...scopeFields,
    status: jobFilterFields.status,
    ...fieldsBesideScope,
    max: bulkFields.max,
    preview_token: bulkFields.preview_token,
    rate: bulkFields.rate,
    until: bulkFields.until,
  }),
)
export type IntegrityRequest = z.output<typeof IntegrityRequest>

export const IntegrityResult = z.object({
  /** Jobs that are not processing but have a lease, and queued jobs with a lease id or a worker. */
  non_processing_with_lease: Count,
  /** Processing jobs whose lease has expired or is missing. */
  processing_expired: Count,
  fixed: Count,
  ...bulkAnswer,
})
export type IntegrityResult = z.output<typeof IntegrityResult>

export const integrity = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/integrity/sweep',
  meaning: 'Counts jobs that break an invariant. With `fix`, repairs them.',
  needs: 'change',
  scoped: 'narrowed',
  verb: 'integrity',
  input: IntegrityRequest,
  output: IntegrityResult,
  changes: (request) => request.fix,
  bulk: true,
  unconfirmed: true,
  documents: documentsOfIds,
})
