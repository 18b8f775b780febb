import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, Domain, Instant, optional, Queue, queueNames } from '../scope.ts'
import { mostOfWorkers } from './most-of-workers.ts'
import { Throttle } from './throttle.ts'

const time = Instant.nullable()

const WorkerRow = z.object({
  worker_id: z.string().nullable().describe('Null for jobs that another program has leased without a name.'),
  leases: Count.describe('Its running jobs, and how many of them have no valid lease any more.'),
  expired: Count.nullable().describe(
    'Null where a table does not say when leases end, or an engine does not say which job the worker has.',
  ),
  oldest_lease_at: time.describe('When the first of its running jobs was picked up.'),
  last_asked_at: time.describe(
    'The last call that asked this API for jobs, within an hour or so; a mark is up to a minute old.',
  ),
  last_acquired_at: time.describe(
    'The last pick-up among its running jobs and those that ended in the last 15 minutes.',
  ),
  last_renewed_at: time.describe('The last change of one of its running jobs after the pick-up, such as a renewal.'),
  done_15m: Count.nullable().describe(
    'Jobs that it completed, and that ended as failed or quarantined, in the last 15 minutes; null where the engine does not keep it.',
  ),
  failed_15m: Count.nullable(),
  queues: z
    .array(z.object({ ...queueNames, throttle: Throttle.optional() }))
    .describe('The queues in which it was seen, at most 20, and what each is throttled to.'),
})
export type WorkerRow = z.output<typeof WorkerRow>

export const listWorkers = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/workers',
  meaning: `The workers that hold jobs, that ended some in the last 15 minutes, or that asked this API for some in the last hour, those with the most running jobs first. \`X-Complete\` is \`false\` where more than ${mostOfWorkers.jobs.toLocaleString('en')} running or ended jobs, or more than ${mostOfWorkers.workers.toLocaleString('en')} workers, were found.`,
  needs: 'read',
  scoped: 'narrowed',
  verb: 'workers',
  input: z.strictObject({ domain: optional(Domain), queue: optional(Queue) }),
  output: z.array(WorkerRow),
  changes: () => false,
})
