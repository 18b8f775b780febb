import * as z from 'zod'
import type { Stream } from '../endpoint.ts'
import { Count, optional, scopeFields } from '../scope.ts'
import { StoppedQueue } from './queues.ts'
import { GroupStats } from './stats.ts'

/** The counts of a group, with what a reader needs to compute rates from two frames. */
const LiveGroup = GroupStats.extend({
  /** Since when the job that has waited longest could run; null where no job waits. */
  oldest_due: z.string().nullable(),
  /** Jobs that came in or came back (`entered`), and that ended (`ended`), by the event log, since the server began to count. */
  entered: Count,
  ended: Count,
  /** Jobs that came or went without an event: it grows while another program writes to the group in plain SQL. */
  untold: Count,
})
export type LiveGroup = z.output<typeof LiveGroup>

/** A bulk change that is running. */
export const RunningChange = z.object({
  id: z.number(),
  kind: z.string(),
  domain: z.string().nullable(),
  queue: z.string().nullable(),
  job_type: z.string().nullable(),
  caller: z.string(),
  reason: z.string().nullable(),
  affected: Count,
  /** The count of its preview; null without a preview. */
  previewed: Count.nullable(),
  started_at: z.string(),
})
export type RunningChange = z.output<typeof RunningChange>

const GroupName = z.object({ domain: z.string(), queue: z.string(), job_type: z.string() })

/** What a group of a message is: a job type of a queue, or the sums of a queue or of a domain, whose other names are empty. */
const levels = ['domain', 'queue', 'job_type'] as const
export type Level = (typeof levels)[number]

/** The data of one message. `event: full` has everything; `event: changes` has what is not as in the message before. */
export const StatsFrame = z.object({
  as_of: z.string(),
  /** Whole groups; in `changes` only those of which any field has changed. */
  groups: z.array(LiveGroup),
  /** Groups that have no jobs any more. */
  gone: z.array(GroupName),
  /** All stopped queues; absent where they are the same. */
  stopped: z.array(StoppedQueue).optional(),
  /** All running bulk changes, at most 100; absent where they are the same. */
  operations: z.array(RunningChange).optional(),
  /** What each group is; absent without `most`. */
  level: z.enum(levels).optional(),
})
export type StatsFrame = z.output<typeof StatsFrame>

/** A stream begins with `full`, whatever `Last-Event-ID` says. */
export const statsStream = {
  path: '/api/v1/jobs/stats/stream',
  meaning:
    'The stats as server-sent events, at most one message a second. A stream begins with a message `full`, and goes on with messages `changes`.',
  needs: 'read',
  scoped: 'narrowed',
  verb: 'stats',
  input: z.strictObject({
    ...scopeFields,
    most: optional(
      z
        .string()
        .regex(/^[1-9]\d{0,5}$/, 'must be a whole number from 1 to 999999')
        .transform(Number),
    )
      .meta({ type: 'integer', minimum: 1, maximum: 999_999 })
      .describe(
        'above this number of groups, those of a queue are sent as one, and above this number of queues those of a domain',
      ),
  }),
} as const satisfies Stream
