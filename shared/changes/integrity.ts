import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, scopeFields } from '../scope.ts'
import { bulkAnswer, bulkFields } from './bulk-change.ts'

export const IntegrityRequest = z.strictObject({
  fix: z.boolean('must be true or false').default(false),
  ...scopeFields,
  max: bulkFields.max,
  preview_token: bulkFields.preview_token,
})
export type IntegrityRequest = z.output<typeof IntegrityRequest>

export const IntegrityResult = z.object({
  /** Not processing, and yet leased; or queued, and yet with a lease id or a worker. */
  non_processing_with_lease: Count,
  /** Processing, with a lease that has run out or never was. */
  processing_expired: Count,
  fixed: Count,
  ...bulkAnswer,
})
export type IntegrityResult = z.output<typeof IntegrityResult>

export const integrity = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/integrity/sweep',
  input: IntegrityRequest,
  output: IntegrityResult,
  changes: (request) => request.fix,
  bulk: true,
  unconfirmed: true,
})
