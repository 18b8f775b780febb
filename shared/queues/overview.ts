import * as z from 'zod'
import { Freeze } from '../doctor/storage.ts'
import { endpoint } from '../endpoint.ts'
import { Count, Domain, optional, Queue } from '../scope.ts'
import { RunningChange } from './stats-stream.ts'
import { Throttle } from './throttle.ts'

const time = z.string().nullable()
const queueName = { domain: z.string(), queue: z.string() }

/** Jobs a minute, over the last five minutes. Each is null where it is not known. */
const rates = {
  in_per_minute: z.number().nullable(),
  done_per_minute: z.number().nullable(),
  /** Jobs that ended as failed or quarantined. */
  failed_per_minute: z.number().nullable(),
}

const counts = {
  /** Jobs that are queued and due. */
  waiting: Count,
  scheduled: Count,
  running: Count,
  quarantined: Count,
}

/** Why a queue hands out no jobs. */
const Stop = z.object({
  drain: z.boolean(),
  since: time,
  /** Who stopped it; null where another program did. */
  by: z.string().nullable(),
  reason: z.string().nullable(),
})

const OverviewQueue = z.object({
  ...queueName,
  /** How many job types have jobs in the queue. */
  job_types: Count,
  /** The first 20 of them, without blank names. */
  types: z.array(z.string()),
  ...counts,
  /** Failed jobs, where the jobs are those of an engine that counts them. */
  failed: Count.optional(),
  /** Jobs of a mapped table to which its map gives no state; absent without such jobs. */
  unmapped: Count.optional(),
  ...rates,
  /** Since when the job waits that has waited longest; null where none waits. */
  oldest_due: time,
  /** Running jobs whose lease has expired. */
  expired: Count,
  stop: Stop.nullable(),
  throttle: Throttle.nullable(),
  /** Where jobs wait and no worker asks for them: since when. Null where workers ask. */
  no_worker_since: time,
})
export type OverviewQueue = z.output<typeof OverviewQueue>

/** A mark that was made shortly before, such as a deployment. */
const MarkBefore = z.object({ text: z.string(), at: z.string(), by: z.string() })

const Failing = z.object({
  kind: z.literal('failing'),
  ...queueName,
  per_minute: z.number(),
  /** When it began; null where that is not known. */
  since: time,
  /** True where it began at `since` or earlier. */
  since_or_before: z.boolean(),
  /** The code and the pattern of the message that most of these failures have in common, as in failure clusters. The code is null where they have none, and both where no failed job is there any more. */
  error_code: z.string().nullable(),
  pattern: z.string().nullable(),
  /** The id of the cluster, for the filter `cluster` of changes. */
  cluster: z.string().nullable(),
  /** Jobs with this code and pattern that have failed since then and are still there, and their owners; lower bounds where `at_least` is true. */
  jobs: Count,
  owners: Count,
  at_least: z.boolean(),
  /** The last mark in the hour before; null without one, and for a token with a scope. */
  mark: MarkBefore.nullable(),
})

const NoWorker = z.object({
  kind: z.literal('no_worker'),
  ...queueName,
  waiting: Count,
  /** The last sign of a worker; where there never was one, since when the oldest job waits. */
  since: time,
  /** Workers that asked for jobs within the last hour, and do not any more, at most five. */
  workers: z.array(z.string()),
})

const Expired = z.object({
  kind: z.literal('expired'),
  ...queueName,
  /** Running jobs whose lease has expired, and the first of these times. */
  jobs: Count,
  since: time,
})

const Stopped = z.object({ kind: z.literal('stopped'), ...queueName, waiting: Count, ...Stop.shape })

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
    as_of: z.string(),
    /** The name of the database. */
    database: z.string(),
    /** Null while changes are allowed. */
    frozen: Freeze.pick({ by: true, reason: true }).nullable(),
    /** What the rates are read from: the `history`, or the end times of the `jobs` that are still there; null where neither tells. */
    rates_of: z.enum(['history', 'jobs']).nullable(),
    /** Why the rates are not those of the history, with how to switch it on; null where they are. */
    why: z.string().nullable(),
    /** Whether anybody has marked a moment in the last 30 days; null where that is not told, as to a token with a scope. */
    marked: z.boolean().nullable(),
    totals: z.object({ queues: Count, ...counts, ...rates, expired: Count }),
    /** The worst first: failing queues, jobs without workers, expired leases, stopped queues; at most 50. */
    attention: z.array(Attention),
    /** The changes that run now; `by` is who makes them. */
    operations: z.array(RunningChange.extend({ by: z.string() })),
    /** How many queues fail; `attention` has the five that fail most. */
    failing_queues: Count,
    /** By name, at most 2,000; `totals` are of all. */
    queues: z.array(OverviewQueue),
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
    /** When the first minute begins. */
    from: z.string(),
    /** In the order of the request; `done` and `failed` have a number for each minute, or are null where that is not known. */
    queues: z.array(z.object({ ...queueName, done: z.array(Count).nullable(), failed: z.array(Count).nullable() })),
  }),
  changes: () => false,
  shared: true,
})
