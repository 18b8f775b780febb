import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Count, Domain, Queue } from '../scope.ts'
import { spanText } from '../time-and-size.ts'
import { JobId } from '../work/job.ts'
import { jobsText } from './phrases.ts'
import { Reason } from './reason.ts'

const OldestWait = z.object({
  id: JobId,
  /** When the job fell due. */
  due_since: z.string(),
  seconds: z.number(),
})

const ExplainedQueue = z.object({
  domain: z.string(),
  queue: z.string(),
  /** The time of the answer. */
  as_of: z.string(),
  /** Queued jobs that are due, and that will be. */
  due: Count,
  scheduled: Count,
  processing: Count,
  quarantined: Count,
  /** Jobs under a valid lease and their workers, at most 10,000. */
  leased: Count,
  workers: Count,
  /** The job that is due for the longest time; null where none is due. */
  oldest_wait: OldestWait.nullable(),
  /** What waits, which the reasons follow. */
  sentence: z.string(),
  reasons: z.array(Reason),
})
export type QueueExplanation = z.output<typeof ExplainedQueue>

export const explainQueue = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/queues/explain',
  meaning:
    'The same for a queue: what waits, for how long, and every reason why nothing of it runs. 404 for a queue that never had a job.',
  slow: true,
  needs: 'read',
  scoped: 'narrowed',
  verb: 'explain',
  input: z.strictObject({ domain: Domain, queue: Queue }),
  output: ExplainedQueue,
  changes: () => false,
})

/** `chatbooks/default: 12 jobs due, the oldest for 4m 2s, 3 leased.` */
export function queueSentence({
  domain,
  queue,
  due,
  leased,
  oldest_wait,
  reasons,
}: Omit<QueueExplanation, 'sentence'>): string {
  const wait = oldest_wait === null ? '' : `, the oldest for ${spanText(oldest_wait.seconds)}`
  const counts = `${domain}/${queue}: ${jobsText(due)} due${wait}, ${leased.toLocaleString('en-US')} leased`
  return reasons.length === 0 ? `${counts}. Nothing keeps them from running.` : `${counts}.`
}
