import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count } from '../scope.ts'

/** Whether the counts that stats go by are those of the jobs. What is wrong is set right. */
export const checkCounts = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/counts',
  input: z.strictObject({}),
  output: z.object({
    /** True when stats go by counts that triggers keep; else the jobs themselves are counted, which is right, and slower. */
    kept: z.boolean(),
    /** Why not. */
    why: z.string().nullable(),
    /** By so many jobs the counts were wrong just now; they have been set right. */
    wrong: Count,
    /** When they were last wrong before that, and by how much. */
    mended_at: z.string().nullable(),
    mended: Count.nullable(),
  }),
  changes: () => false,
})
