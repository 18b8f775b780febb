import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { optional, preset } from '../scope.ts'
import { JobId, PathId, text } from './job.ts'

/** Cancels a queued job at once. The worker of a running job is asked to end it: the next renewal answers `cancel_requested`. */
export const cancel = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/:id/cancel',
  needs: 'single',
  scoped: 'narrowed',
  input: z.strictObject({
    id: PathId,
    reason: optional(text(500)),
    /** Cancels a running job at once: its worker loses the lease. */
    force: preset(z.boolean('must be true or false'), false),
  }),
  output: z.object({
    id: JobId,
    status: z.string(),
    /** True for a running job whose worker has been asked to end it. */
    cancel_requested: z.boolean(),
  }),
  changes: () => true,
  unconfirmed: true,
})
