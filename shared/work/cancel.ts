import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { optional, preset } from '../scope.ts'
import { JobId, PathId, text } from './job.ts'

/** A queued job ends at once. A running one is asked to end, and its worker sees it at its next renewal. */
export const cancel = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/:id/cancel',
  input: z.strictObject({
    id: PathId,
    reason: optional(text(500)),
    /** End a running job now: its worker loses the lease. */
    force: preset(z.boolean('must be true or false'), false),
  }),
  output: z.object({
    id: JobId,
    status: z.string(),
    /** True while a running job has been asked to end. */
    cancel_requested: z.boolean(),
  }),
  changes: () => true,
  unconfirmed: true,
})
