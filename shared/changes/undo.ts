import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { VanishingQueue } from '../queues/vanishing.ts'
import { Count, Instant, Integer, QueueName, ScopeName, Time } from '../scope.ts'
import { JobId, PathId } from '../work/job.ts'
import { bulkAnswer, bulkFields } from './bulk-change.ts'
import { documentsOfIds, Ids } from './filtered-change.ts'

/**
 * The part of an operation that is undone; without any of these fields the whole operation is. Null and blank names are
 * rejected: the variable that a script forgot to set must not mean all jobs of the operation.
 */
const partFields = {
  domain: ScopeName.optional().describe('only jobs of this domain: a part of the operation'),
  queue: QueueName.optional().describe('only jobs of this queue'),
  job_type: QueueName.optional().describe('only jobs of this type'),
  ids: Ids.optional().describe('only these jobs of the operation'),
  hold_until: Time.optional().describe(
    'until when prune and sweep pass over what is given back, at most 3,650 days from now; `JOBS_ARCHIVE_DAYS` when absent',
  ),
}

export const UndoRequest = z.strictObject({
  ...bulkFields,
  id: PathId.describe('the id of the operation to take back'),
  ...partFields,
})
export type UndoRequest = z.output<typeof UndoRequest>

/** A job that cannot be restored, and the reason as a sentence. */
export const Conflict = z.object({
  job_id: JobId.describe('The id of the job.'),
  reason: z.string().describe('Why the job cannot be given back, as a sentence.'),
})
export type Conflict = z.output<typeof Conflict>

/** How many jobs cannot be restored for the same reason. */
export const ConflictReason = z.object({
  reason: z.string().describe('The reason, as a sentence.'),
  count: Count.describe('How many jobs cannot be given back for this reason.'),
})
export type ConflictReason = z.output<typeof ConflictReason>

/**
 * It restores pruned jobs, returns requeued jobs to quarantine, and returns swept jobs that were queued to the queue. Jobs that somebody has picked up or changed since stay as they are. With a scope or ids only these jobs of the
 * operation are restored, and the operation stays as it is until the last of its jobs is back.
 */
export const undo = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/operations/:id/undo',
  meaning: 'Gives back what an operation changed, as far as the jobs have not gone on since.',
  needs: 'change',
  scoped: 'narrowed',
  verb: 'undo',
  ofOperation: true,
  input: UndoRequest,
  output: z.object({
    affected: Count.describe('How many jobs were given back, or would be in a dry run.'),
    withdrawn: Count.optional().describe(
      'How many of them are running, and are no longer asked to end: their workers had not heard of it. Absent where there are none, and from servers up to 0.2.0, which cannot withdraw it.',
    ),
    conflict_count: Count.describe('How many jobs cannot be restored, and the first 100 of them.'),
    conflicts: z.array(Conflict).describe('The first 100 jobs that cannot be given back.'),
    conflict_reasons: z
      .array(ConflictReason)
      .optional()
      .describe(
        'The 20 reasons that most of the conflicts have, over all of them. Servers up to version 0.2.0 do not send it.',
      ),
    hold_id: Integer.optional().describe(
      'The hold over what was given back, and its end. Servers of version 0.1.0 hold nothing.',
    ),
    held_until: Instant.optional().describe('Until when the hold keeps them.'),
    vanishing: z
      .array(VanishingQueue)
      .optional()
      .describe(
        'Queues whose engine deletes ended jobs by itself, what this undo has brought back among them. Absent where nothing says so.',
      ),
    ...bulkAnswer,
  }),
  changes: (request) => !request.dry_run,
  bulk: true,
  documents: documentsOfIds,
})
