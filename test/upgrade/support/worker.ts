import * as z from 'zod'
import { bodyOf, paths } from './answers.ts'
import type { Side } from './side-by-side.ts'

/** The answer of acquire, in the fields that a worker needs. */
export const LeasedJobs = z.object({
  jobs: z.array(z.object({ id: z.number(), uuid: z.string(), lease_id: z.string(), retry_count: z.number() })),
})

export type LeasedJob = z.output<typeof LeasedJobs>['jobs'][number]

const worker_id = 'worker-1'

/** Enqueues a job, and returns its id and uuid. */
export async function enqueue(side: Side, fields: object = {}): Promise<{ id: number; uuid: string }> {
  const job = { domain: 'chatbooks', job_type: 'export', payload: {}, ...fields }
  return bodyOf(z.object({ id: z.number(), uuid: z.string() }), await side.post(paths.jobs, job))
}

/** Leases what is due, by default one job of the domain `chatbooks`. */
export async function acquire(side: Side, fields: object = {}): Promise<LeasedJob[]> {
  return bodyOf(LeasedJobs, await side.post(paths.acquire, { domain: 'chatbooks', worker_id, ...fields })).jobs
}

/** @throws Error where nothing is due */
export async function acquireOne(side: Side, fields: object = {}): Promise<LeasedJob> {
  const [job] = await acquire(side, fields)
  if (!job) throw new Error(`the ${side.build} server found no job that is due`)
  return job
}

/** What shows that the worker holds the job. */
export const heldBy = ({ lease_id }: LeasedJob): { worker_id: string; lease_id: string } => ({ worker_id, lease_id })
