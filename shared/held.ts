import * as z from 'zod'
import { WorkerId } from './acquire.ts'
import { type FailureCode, failures } from './errors.ts'
import { JobId, words } from './job.ts'

/** How a worker shows that a job is its own. */
export const heldFields = { worker_id: WorkerId, lease_id: words(256) }

/** The most jobs that one call renews or finishes. */
const mostJobs = 1000

/** Many jobs of one call, each of them once. */
export const manyOf = <T extends z.ZodType<{ id: number }>>(item: T) =>
  z
    .array(item, 'must be a list of jobs')
    .min(1, 'must have at least one job')
    .max(mostJobs, `must have at most ${mostJobs} jobs`)
    .refine((jobs) => new Set(jobs.map(({ id }) => id)).size === jobs.length, 'must name each job once')

const codes = Object.keys(failures).filter((code): code is FailureCode => code in failures)

/** What became of one job of many: what the single call answers, or why not. */
export const resultOf = <T extends z.ZodRawShape>(answer: z.ZodObject<T>) =>
  z.discriminatedUnion('ok', [
    answer.extend({ ok: z.literal(true) }),
    z.object({ ok: z.literal(false), id: JobId, code: z.enum(codes), detail: z.string() }),
  ])
