import * as z from 'zod'
import { Count } from '../scope.ts'
import { JobId } from '../work/job.ts'
import { bulkAnswer } from './bulk-change.ts'
import { refusedAnswer } from './refused.ts'

/** A job that a request names and that does not match: its status, or null where no job that the caller may see has the id. */
export const NotMatched = z.object({
  id: JobId.describe('The id that the request names.'),
  status: z.string().nullable().describe('The state of the job; null where no job has the id.'),
})
export type NotMatched = z.output<typeof NotMatched>

/** What a change answers about jobs that its request names by `ids` or `job_id`. Servers up to version 0.2.0 send `not_matched` of a requeue alone. */
export const namedAnswer = {
  not_matched: z
    .array(NotMatched)
    .optional()
    .describe(
      'The first 100 of these jobs that are not changed, or would not be, each with its status; after a change of some jobs only those that do not exist. The filter plays no part in the status.',
    ),
  missing_count: Count.optional().describe(
    'How many of the ids no job has: it never was, it is archived, or it lies outside of the scope of the token.',
  ),
  not_taken_count: Count.optional().describe(
    'How many of these jobs the change does not take, by their status or the filter.',
  ),
}

/** What a change answers that takes a filter or ids, and answers nothing of its own. */
export const ChangedJobs = z.object({
  affected: Count.describe('How many jobs were changed, or would be in a dry run.'),
  ...refusedAnswer,
  ...namedAnswer,
  ...bulkAnswer,
})

export const NamedAnswer = z.object(namedAnswer)
export type NamedAnswer = z.output<typeof NamedAnswer>
