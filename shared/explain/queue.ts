import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, Domain, Instant, optional, Queue, queueNames, Time } from '../scope.ts'
import { JobId } from '../work/job.ts'
import { Reason } from './reason.ts'

const OldestWait = z.object({
  id: JobId.describe('The id of the job.'),
  due_since: Instant.describe('When the job fell due.'),
  seconds: z.number().describe('For how many seconds it has been due.'),
})

const ExplainedQueue = z.object({
  ...queueNames,
  as_of: Instant.describe(
    'The time of the answer; with `at`, the moment of the counts, or `at` itself where none were written.',
  ),
  at: Instant.optional().describe('The moment that was asked for; absent without `at`.'),
  at_least: Instant.optional().describe(
    'With `at`: why no counts of the moment are known, as a clause. They are lower bounds then.',
  ),
  due: Count.describe('Queued jobs that are due, and that will be.'),
  scheduled: Count.describe('Queued jobs that are due later.'),
  processing: Count.describe('Running jobs.'),
  quarantined: Count.describe('Jobs in quarantine.'),
  leased: Count.describe(
    'Jobs under a valid lease and their workers, at most 10,000. With `at`, and for another engine, the running jobs; `workers` is 0 then, since nobody knows.',
  ),
  leased_at_least: z
    .boolean()
    .optional()
    .describe('True where `leased` is 10,000, so that it and `workers` are lower bounds; else absent.'),
  workers: Count.describe('How many workers have these jobs.'),
  oldest_wait: OldestWait.nullable().describe(
    'The job that is due for the longest time; null where none is due. With `at`, the one among the jobs that were looked at: a lower bound.',
  ),
  sentence: z.string().describe('What waits, which the reasons follow.'),
  reasons: z.array(Reason).describe('Why no job of the queue runs; empty where nothing keeps them.'),
})
export type QueueExplanation = z.output<typeof ExplainedQueue>

export const explainQueue = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/queues/explain',
  meaning:
    'The same for a queue: what waits, for how long, and every reason why nothing of it runs. 404 for a queue that never had a job. With `at`, as it was then: whether the queue was stopped and by whom, by the events; the counts, by the depths; and for how long a job had waited at least, by the 20,000 jobs that were made last before.',
  slow: true,
  needs: 'read',
  scoped: 'narrowed',
  verb: 'explain',
  input: z.strictObject({
    domain: Domain,
    queue: Queue,
    at: optional(Time).describe('as the queue was at this time, in place of now'),
  }),
  output: ExplainedQueue,
  changes: () => false,
})
