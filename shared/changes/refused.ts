import * as z from 'zod'
import { Count } from '../scope.ts'
import { JobId } from '../work/job.ts'

/** A job of another engine that the engine would not let be changed so, or that must not be. */
const Refused = z.object({
  job_id: JobId.describe('The id of the job.'),
  reason: z.string().describe('Why the job was refused, as a clause.'),
})

/** What a change answers about such jobs, which it leaves as they are. Absent where there are none. */
export const refusedAnswer = {
  refused_count: Count.optional().describe('How many jobs were refused; absent where none was.'),
  refused: z.array(Refused).optional().describe('The first 100 of them.'),
}
export const RefusedAnswer = z.object(refusedAnswer)
export type RefusedAnswer = z.output<typeof RefusedAnswer>
