import * as z from 'zod'
import { Conflict } from '../changes/undo.ts'
import { endpoint } from '../endpoint.ts'
import { queryNumber, scopeFields } from '../scope.ts'
import { PathId } from '../work/job.ts'

/** All jobs of an operation that an undo cannot give back now, a page of 10,000 kept jobs at a time. */
export const listConflicts = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/operations/:id/conflicts',
  slow: true,
  needs: 'records',
  scoped: 'narrowed',
  input: z.strictObject({
    id: PathId,
    ...scopeFields,
    /** Only jobs with a higher id, for the next page. */
    after_id: queryNumber(0, Number.MAX_SAFE_INTEGER, 0),
  }),
  output: z.object({
    /** In the order of their ids; a page may have none of them, and not be the last one. */
    conflicts: z.array(Conflict),
    /** The `after_id` of the next page; null on the last one. */
    next_after_id: z.number().nullable(),
  }),
  changes: () => false,
})
