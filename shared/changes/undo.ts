import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count } from '../scope.ts'
import { PathId } from '../work/job.ts'
import { bulkAnswer, bulkFields } from './bulk-change.ts'

export const UndoRequest = z.strictObject({ ...bulkFields, id: PathId })
export type UndoRequest = z.output<typeof UndoRequest>

/** What cannot be taken back, and why. */
export const Conflict = z.object({ job_id: z.number(), reason: z.string() })
export type Conflict = z.output<typeof Conflict>

/**
 * Takes back what an operation did: pruned jobs are there again, requeued ones that nobody has picked up are
 * back in quarantine, swept ones that were queued are back in the queue. What has gone on since is left.
 */
export const undo = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/operations/:id/undo',
  input: UndoRequest,
  output: z.object({
    affected: Count,
    /** How many cannot be taken back, and the first hundred of them. */
    conflict_count: Count,
    conflicts: z.array(Conflict),
    ...bulkAnswer,
  }),
  changes: (request) => !request.dry_run,
  bulk: true,
})
