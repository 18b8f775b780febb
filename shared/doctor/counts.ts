import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, Instant } from '../scope.ts'
import { IdleTrigger } from './idle-trigger.ts'

/** Whether stats use the counts that triggers keep, and when these were found wrong. */
export const KeptCounts = z.object({
  kept: z
    .boolean()
    .describe(
      'True when stats use the counts that triggers keep; otherwise the jobs are counted, which is exact too, and slower.',
    ),
  why: z.string().nullable().describe('Why the counts are not used; null when they are.'),
  triggers: z
    .array(IdleTrigger)
    .optional()
    .describe('The triggers that do not fire, where these are why; absent from servers of older versions.'),
  mended_at: Instant.nullable().describe('When the counts were found wrong before this call, and by how many jobs.'),
  mended: Count.nullable().describe('By how many jobs the counts were wrong then; null where they never were.'),
})
export type KeptCounts = z.output<typeof KeptCounts>

export const checkCounts = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/counts',
  meaning: 'Compares the counts behind the stats with the jobs, and sets right what is wrong.',
  slow: true,
  needs: 'change',
  scoped: { refused: 'it measures the whole database' },
  verb: 'upkeep',
  input: z.strictObject({}),
  output: KeptCounts.extend({
    wrong: Count.describe('The number of jobs by which the counts were wrong just now; they have been corrected.'),
  }),
  changes: () => false,
})
