import * as z from 'zod'
import { failureCodes } from '../errors.ts'
import { jobList } from '../scope.ts'
import { WorkerId } from './acquire.ts'
import { JobId, words } from './job.ts'

/** How a worker shows that a job is its own. */
export const leaseOwnerFields = { worker_id: WorkerId, lease_id: words(256) }

/** Many jobs of one call, each of them once. */
export const manyOf = <T extends z.ZodType<{ id: number }>>(item: T) =>
  jobList(item).refine((jobs) => new Set(jobs.map(({ id }) => id)).size === jobs.length, 'must name each job once')

/** What became of one job of many: what the single call answers, or why not. */
export const resultOf = <T extends z.ZodRawShape>(answer: z.ZodObject<T>) =>
  z.discriminatedUnion('ok', [
    answer.extend({ ok: z.literal(true) }),
    z.object({ ok: z.literal(false), id: JobId, code: z.enum(failureCodes), detail: z.string() }),
  ])
