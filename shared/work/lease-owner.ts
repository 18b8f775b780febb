import * as z from 'zod'
import { failureCodes } from '../errors.ts'
import { jobList } from '../scope.ts'
import { WorkerId } from './acquire.ts'
import { JobId, words } from './job.ts'

/** The fields by which a worker proves that it has the lease of a job. */
export const leaseOwnerFields = {
  worker_id: WorkerId,
  lease_id: words(256).describe('the lease under which the worker holds the job'),
}

/** A list of items about different jobs. */
export const manyOf = <T extends z.ZodType<{ id: JobId }>>(item: T) =>
  jobList(item).refine((jobs) => new Set(jobs.map(({ id }) => id)).size === jobs.length, 'must name each job once')

/** An item of a list once the id of its job is known. */
export type WithOwnId<Item> = Item extends unknown ? Omit<Item, 'id'> & { id: number } : never

/** A job of many whose call failed. */
export const NotDone = z.object({
  ok: z.literal(false).describe('False: the call did nothing to this job.'),
  id: JobId.describe('The id of the job, or the uuid that was sent where no job has it.'),
  code: z.enum(failureCodes).describe('The code of the error.'),
  detail: z.string().describe('What happened, as a sentence.'),
})

/** The result of one job of many: the answer of the call about a single job with `ok: true`, or the code of the error. */
export const resultOf = <T extends z.ZodRawShape>(answer: z.ZodObject<T>) =>
  z.discriminatedUnion('ok', [
    answer.extend({ ok: z.literal(true).describe('True: the call was done for this job.') }),
    NotDone,
  ])
