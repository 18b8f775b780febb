import * as z from 'zod'
import { Conflict } from '../changes/undo.ts'
import { endpoint } from '../endpoint.ts'
import { optional, queryNumber, scopeFields } from '../scope.ts'
import { JobId, orJobKey, PathId } from '../work/job.ts'

export const listConflicts = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/operations/:id/conflicts',
  meaning:
    'All jobs of the operation that an undo cannot give back now, each with the reason. A call reads 10,000 jobs that are kept; `next_after_id` is the `after_id` of the next call, and null after the last one.',
  slow: true,
  needs: 'records',
  scoped: 'narrowed',
  verb: 'records',
  ofOperation: true,
  input: z.strictObject({
    id: PathId.describe('the id of the operation'),
    domain: scopeFields.domain.describe('only jobs of this domain'),
    queue: scopeFields.queue.describe('only jobs of this queue'),
    job_type: scopeFields.job_type.describe('only jobs of this type'),
    after_id: optional(orJobKey<string>(queryNumber(0, Number.MAX_SAFE_INTEGER, 0)))
      .transform((id) => id ?? 0)
      .meta({ type: ['integer', 'string'], minimum: 0, default: 0, format: 'job-id' })
      .describe('only jobs with a higher id, for the next page'),
  }),
  output: z.object({
    conflicts: z
      .array(Conflict)
      .describe('In the order of their ids; a page may have none of them, and not be the last one.'),
    next_after_id: JobId.nullable().describe('The `after_id` of the next page; null on the last one.'),
  }),
  changes: () => false,
})
