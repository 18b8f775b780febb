import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, Domain, Instant, Queue, queryNumber, queueNames } from '../scope.ts'

export const scale = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/scale',
  meaning:
    'How many workers a queue wants now, for an autoscaler, and the numbers that this is made from: due jobs, the oldest of them, running jobs, and how long a job runs. A queue that is not known wants no worker.',
  needs: 'read',
  scoped: 'narrowed',
  verb: 'explain',
  input: z.strictObject({
    domain: Domain,
    queue: Queue,
    within_seconds: queryNumber(1, 86_400, 60).describe('the time in which the due jobs are to be done, in seconds'),
    per_worker: queryNumber(1, 1000, 1).describe('how many jobs one worker runs at the same time'),
  }),
  output: z.object({
    ...queueNames,
    as_of: Instant.describe('The time of the answer.'),
    known: z
      .boolean()
      .describe(
        'False for a queue without a job, a stop and a throttle: a queue that nobody has used, a name that is typed wrong, or a queue of an engine that has deleted its jobs.',
      ),
    backlog: Count.describe('Queued jobs that are due.'),
    oldest_seconds: z.number().describe('For how many seconds the job waits that has waited longest; 0 without one.'),
    running: Count.describe('Running jobs.'),
    mean_run_seconds: z
      .number()
      .nullable()
      .describe('How long the jobs ran that ended within the last hour, on average; null where that is not known.'),
    mean_of_jobs: Count.describe(
      'Of how many jobs the mean is: all that ended, or over an engine that keeps no history at most 1,000 of those that are still there.',
    ),
    held_by: z
      .string()
      .nullable()
      .describe(
        'Why further workers would get no job: `queue_paused`, `queue_draining`, `all_blocked` or another code of `GET /jobs/queues/explain`; null where they would.',
      ),
    wanted_workers: Count.describe(
      'Workers for the running jobs, and for the due jobs that must run beside them so that the backlog is done within `within_seconds`. No more than a throttle, or the global concurrency or rate limit of BullMQ, lets run. Where no run time is known, one more than now while jobs are due.',
    ),
  }),
  changes: () => false,
  primaryOnly: true,
  shared: { everyMs: 1000 },
})
