import type { z } from 'zod'
import { acquire, cancel, complete, enqueue, enqueueBatch, fail, release, renew } from '../../shared/endpoints.ts'
import type { Job } from '../../shared/work/job.ts'
import type { Answer } from './http.ts'

const base = '/api/v1/jobs'

/** The paths of a job's life. */
export const jobPaths = {
  enqueue: base,
  batch: `${base}/batch`,
  acquire: `${base}/acquire`,
  renewMany: `${base}/renew`,
  finishMany: `${base}/finish`,
  control: `${base}/queue/control`,
  status: `${base}/queue/status`,
  queues: `${base}/queues`,
  events: `${base}/events`,
  stream: `${base}/events/stream`,
}

export type Step = 'renew' | 'complete' | 'fail' | 'release' | 'cancel'
export const jobPath = (id: number | string, step: Step): string => `${base}/${id}/${step}`

type Fields = Record<string, unknown>
type Post = (path: string, body: unknown) => Promise<Answer>

/** What shows that a job is the worker's own. */
export const held = ({ worker_id, lease_id }: Pick<Job, 'worker_id' | 'lease_id'>) => ({ worker_id, lease_id })

export const newJob = (fields: Fields = {}): Fields => ({
  domain: 'chatbooks',
  job_type: 'export',
  payload: { name: 'Überblick 📚' },
  ...fields,
})

/**
 * What the answer of a call that went well says.
 * @throws Error with the whole answer of one that did not
 */
function parsed<Out extends z.ZodType>(output: Out, { status, body }: Answer): z.output<Out> {
  if (status >= 300) throw new Error(`answered ${status}: ${JSON.stringify(body)}`)
  return output.parse(body)
}

/** Jobs over HTTP as those use them who enqueue and work; what is refused throws. */
export function workerOf(post: Post) {
  const lease = async (fields: Fields = {}): Promise<Job[]> => {
    const body = { domain: 'chatbooks', worker_id: 'worker-1', ...fields }
    return parsed(acquire.output, await post(jobPaths.acquire, body)).jobs
  }
  return {
    enqueue: async (fields: Fields = {}) => parsed(enqueue.output, await post(jobPaths.enqueue, newJob(fields))),
    enqueueAll: async (jobs: Fields[]) =>
      parsed(enqueueBatch.output, await post(jobPaths.batch, { jobs: jobs.map(newJob) })).jobs,
    lease,
    /** One job. */
    take: async (fields: Fields = {}): Promise<Job> => {
      const [job] = await lease(fields)
      if (!job) throw new Error('there was no job to take')
      return job
    },
    renew: async (job: Job, fields: Fields = {}) =>
      parsed(renew.output, await post(jobPath(job.id, 'renew'), { ...held(job), ...fields })),
    complete: async (job: Job, fields: Fields = {}) =>
      parsed(complete.output, await post(jobPath(job.id, 'complete'), { ...held(job), ...fields })),
    fail: async (job: Job, fields: Fields = {}) =>
      parsed(fail.output, await post(jobPath(job.id, 'fail'), { ...held(job), error: 'it broke', ...fields })),
    release: async (job: Job, fields: Fields = {}) =>
      parsed(release.output, await post(jobPath(job.id, 'release'), { ...held(job), ...fields })),
    cancel: async (id: number, fields: Fields = {}) => parsed(cancel.output, await post(jobPath(id, 'cancel'), fields)),
  }
}
