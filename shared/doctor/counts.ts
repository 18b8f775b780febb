import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count } from '../scope.ts'
import { IdleTrigger } from './idle-trigger.ts'

export const checkCounts = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/counts',
  meaning: 'Compares the counts behind the stats with the jobs, and sets right what is wrong.',
  slow: true,
  needs: 'change',
  scoped: { refused: 'it measures the whole database' },
  verb: 'upkeep',
  input: z.strictObject({}),
  output: z.object({
    /** True when stats use the counts that triggers keep; otherwise the jobs are counted, which is exact too, and slower. */
    kept: z.boolean(),
    /** Why the counts are not used; null when they are. */
    why: z.string().nullable(),
    /** The triggers that do not fire, where these are why; absent from servers of older versions. */
    triggers: z.array(IdleTrigger).optional(),
    /** The number of jobs by which the counts were wrong just now; they have been corrected. */
    wrong: Count,
    /** When the counts were found wrong before this call, and by how many jobs. */
    mended_at: z.string().nullable(),
    mended: Count.nullable(),
  }),
  changes: () => false,
})
