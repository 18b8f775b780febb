import * as z from 'zod'
import { Freeze } from '../doctor/storage.ts'
import { endpoint } from '../endpoint.ts'
import { Count, Domain, Instant, optional, Queue, queueNames } from '../scope.ts'
import { RunningChange } from './stats-stream.ts'
import { Throttle } from './throttle.ts'

const time = Instant.nullable()

/** Jobs a minute, over the last five minutes. Each is null where it is not known. */
const rates = {
  in_per_minute: z.number().nullable().describe('New queued jobs.'),
  done_per_minute: z.number().nullable().describe('Jobs that were completed.'),
  failed_per_minute: z.number().nullable().describe('Jobs that ended as failed or quarantined.'),
}

const counts = {
  waiting: Count.describe('Jobs that are queued and due.'),
  scheduled: Count.describe('Jobs that are queued and due later.'),
  running: Count.describe('Running jobs.'),
  quarantined: Count.describe('Jobs in quarantine.'),
}

/** The sums over all queues. */
export const totals = {
  queues: Count.describe('How many queues there are.'),
  ...counts,
  ...rates,
  expired: Count.describe('Running jobs whose lease has expired.'),
}

/** Why a queue hands out no jobs. */
const Stop = z.object({
  drain: z.boolean().describe('True where the queue takes no new jobs either.'),
  since: time.describe('Since when it is stopped; null where that is not known.'),
  by: z.string().nullable().describe('Who stopped it; null where another program did.'),
  reason: z.string().nullable().describe('Why it was stopped; null where no reason was given.'),
})

const OverviewQueue = z.object({
  ...queueNames,
  job_types: Count.describe('How many job types have jobs in the queue.'),
  types: z.array(z.string()).describe('The first 20 of them, without blank names.'),
  ...counts,
  failed: Count.optional().describe('Failed jobs, where the jobs are those of an engine that counts them.'),
  unmapped: Count.optional().describe(
    'Jobs of a mapped table to which its map gives no state; absent without such jobs.',
  ),
  ...rates,
  oldest_due: time.describe('Since when the job waits that has waited longest; null where none waits.'),
  expired: Count.describe('Running jobs whose lease has expired.'),
  stop: Stop.nullable().describe('Who stopped the queue, since when and why; null where it is not stopped.'),
  throttle: Throttle.nullable().describe('What the queue is throttled to; null where it is not.'),
  no_worker_since: time.describe('Where jobs wait and no worker asks for them: since when. Null where workers ask.'),
})
export type OverviewQueue = z.output<typeof OverviewQueue>

/** A mark that was made shortly before, such as a deployment. */
const MarkBefore = z.object({
  text: z.string().describe('What was marked, such as a deployment.'),
  at: z.string().describe('The moment that is marked.'),
  by: z.string().describe('Who made the mark.'),
})

const Failing = z.object({
  kind: z.literal('failing').describe('Jobs of the queue fail.'),
  ...queueNames,
  per_minute: z.number().describe('How many jobs fail a minute, over the last five minutes.'),
  since: time.describe('When it began; null where that is not known.'),
  since_or_before: z.boolean().describe('True where it began at `since` or earlier.'),
  error_code: z
    .string()
    .nullable()
    .describe(
      'The code and the pattern of the message that most of these failures have in common, as in failure clusters. The code is null where they have none, and both where no failed job is there any more.',
    ),
  pattern: z.string().nullable().describe('The pattern of the message; null as said of `error_code`.'),
  cluster: z.string().nullable().describe('The id of the cluster, for the filter `cluster` of changes.'),
  jobs: Count.describe(
    'Jobs with this code and pattern that have failed since then and are still there, and their owners; lower bounds where `at_least` is true.',
  ),
  owners: Count.describe('How many owners these jobs have.'),
  at_least: z.boolean().describe('True where `jobs` and `owners` are lower bounds.'),
  mark: MarkBefore.nullable().describe(
    'The last mark in the hour before; null without one, and for a token with a scope.',
  ),
})

const NoWorker = z.object({
  kind: z.literal('no_worker').describe('Jobs wait, and no worker asks for them.'),
  ...queueNames,
  waiting: Count.describe('Jobs that are queued and due.'),
  since: time.describe('The last sign of a worker; where there never was one, since when the oldest job waits.'),
  workers: z
    .array(z.string())
    .describe('Workers that asked for jobs within the last hour, and do not any more, at most five.'),
})

const Expired = z.object({
  kind: z.literal('expired').describe('Leases have expired.'),
  ...queueNames,
  jobs: Count.describe('Running jobs whose lease has expired, and the first of these times.'),
  since: time.describe('When the first of the leases expired.'),
})

const Stopped = z.object({
  kind: z.literal('stopped').describe('The queue is stopped.'),
  ...queueNames,
  waiting: Count.describe('Jobs that are queued and due.'),
  ...Stop.shape,
})

const Attention = z.discriminatedUnion('kind', [Failing, NoWorker, Expired, Stopped])
export type Attention = z.output<typeof Attention>
export type Failing = z.output<typeof Failing>

export const overview = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/overview',
  meaning:
    'What all queues do now, a row for each, and what needs somebody: queues that fail, with the cause, since when, and the mark before; jobs that no worker asks for; expired leases; stopped queues. Rates are of the last five minutes. Over an engine without history they are those of the jobs that are still there.',
  needs: 'read',
  scoped: 'narrowed',
  verb: 'stats',
  input: z.strictObject({ domain: optional(Domain), queue: optional(Queue) }),
  output: z.object({
    as_of: Instant.describe('The time of the counts.'),
    database: z.string().describe('The name of the database.'),
    frozen: Freeze.pick({ by: true, reason: true }).nullable().describe('Null while changes are allowed.'),
    rates_of: z
      .enum(['history', 'jobs'])
      .nullable()
      .describe(
        'What the rates are read from: the `history`, or the end times of the `jobs` that are still there; null where neither tells.',
      ),
    why: z
      .string()
      .nullable()
      .describe('Why the rates are not those of the history, with how to switch it on; null where they are.'),
    marked: z
      .boolean()
      .nullable()
      .describe(
        'Whether anybody has marked a moment in the last 30 days; null where that is not told, as to a token with a scope.',
      ),
    totals: z.object(totals).describe('The sums over all queues.'),
    attention: z
      .array(Attention)
      .describe('The worst first: failing queues, jobs without workers, expired leases, stopped queues; at most 50.'),
    more_of: z
      .array(z.enum(['no_worker', 'expired', 'stopped']))
      .optional()
      .describe(
        'The kinds of which `attention` has the first alone, where there are or may be more queues; absent from servers of older versions.',
      ),
    operations: z
      .array(
        RunningChange.extend({ by: z.string().describe('The name of the caller who makes the change, for people.') }),
      )
      .describe('The changes that run now; `by` is who makes them.'),
    failing_queues: Count.describe('How many queues fail; `attention` has the five that fail most.'),
    queues: z.array(OverviewQueue).describe('By name, at most 2,000; `totals` are of all.'),
  }),
  changes: () => false,
  shared: { everyMs: 300 },
})
export type Overview = z.output<typeof overview.output>

/** The most queues of one call for their minutes. */
const mostQueues = 50

const QueueNames = z
  .array(z.tuple([z.string().min(1), z.string().min(1)]))
  .min(1)
  .max(mostQueues)

/** The queues of a call for their minutes, as pairs of domain and queue; undefined for a text that names none, or more than 50. */
export function namedQueues(text: string): [domain: string, queue: string][] | undefined {
  try {
    return QueueNames.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

export const queueMinutes = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/overview/minutes',
  meaning:
    'What queues did in each of the last 60 minutes, for at most 50 queues. Over an engine without history, of the jobs that are still there.',
  needs: 'read',
  scoped: 'narrowed',
  verb: 'stats',
  input: z.strictObject({
    domain: optional(Domain).describe('the domain of the queues, where the server serves several engines'),
    queues: z
      .string('must be a text')
      .refine(
        (text) => namedQueues(text) !== undefined,
        `must be JSON of 1 to ${mostQueues} queues, such as [["mail","high"]]`,
      )
      .describe('the queues, as JSON: a list of pairs of domain and queue, such as `[["mail","high"]]`'),
  }),
  output: z.object({
    from: Instant.describe('When the first minute begins.'),
    queues: z
      .array(
        z.object({
          ...queueNames,
          done: z
            .array(Count)
            .nullable()
            .describe('Jobs that were completed in each minute, the oldest first; null where that is not known.'),
          failed: z
            .array(Count)
            .nullable()
            .describe('Jobs that failed or went into quarantine in each minute; null where that is not known.'),
        }),
      )
      .describe(
        'In the order of the request; `done` and `failed` have a number for each minute, or are null where that is not known.',
      ),
  }),
  changes: () => false,
  shared: true,
})
