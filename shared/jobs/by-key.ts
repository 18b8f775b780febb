import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { preset, ScopeName } from '../scope.ts'
import { words } from '../work/job.ts'
import { ListedJob } from './list.ts'

/**
 * The job with an idempotency key, without its payload and its result. A caller that may not read jobs, such as a producer, finds the
 * jobs that it has enqueued itself.
 */
export const jobByKey = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/by-key',
  needs: 'enqueue',
  scoped: 'narrowed',
  forPrograms: true,
  input: z.strictObject({
    domain: ScopeName,
    queue: preset(ScopeName, 'default'),
    job_type: ScopeName,
    idempotency_key: words(256),
  }),
  output: ListedJob,
  changes: () => false,
})
