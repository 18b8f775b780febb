import * as z from 'zod'
import { Count, max, optional, ScopeName, scopeFields, wholeNumber } from './jobs.ts'
import { operation } from './operation.ts'

export const RequeueRequest = z.strictObject({
  ...scopeFields,
  domain: ScopeName,
  job_id: optional(wholeNumber(1)),
  dry_run: z.boolean('must be true or false').default(false),
  max,
})
export type RequeueRequest = z.output<typeof RequeueRequest>

export const requeue = operation({
  method: 'POST',
  path: '/api/v1/jobs/batch/requeue_quarantined',
  aliases: ['/api/v1/jobs/batch/requeue-quarantined'],
  input: RequeueRequest,
  output: z.object({ affected: Count }),
  changes: (request) => !request.dry_run,
})
