import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Domain, JobType, preset, Queue } from '../scope.ts'
import { words } from '../work/job.ts'
import { ListedJob } from './list.ts'

export const jobByKey = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/by-key',
  meaning:
    'The job with an idempotency key, without payload and result. A token that may not read jobs, such as a producer, finds the jobs that it has enqueued itself; any other job is 404, as one that does not exist.',
  needs: 'enqueue',
  scoped: 'narrowed',
  verb: 'enqueue',
  forPrograms: true,
  input: z.strictObject({
    domain: Domain,
    queue: preset(Queue, 'default'),
    job_type: JobType,
    idempotency_key: words(256).describe('the key with which the job was enqueued'),
  }),
  output: ListedJob.omit({ error_message: true }),
  changes: () => false,
})
