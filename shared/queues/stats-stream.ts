import * as z from 'zod'
import type { Stream } from '../endpoint.ts'
import { Count, groupNames, Instant, Integer, optional, scopeFields, scopeNames } from '../scope.ts'
import { StoppedQueue } from './queues.ts'
import { GroupStats } from './stats.ts'

/** The counts of a group, with what a reader needs to compute rates from two frames. */
const LiveGroup = GroupStats.extend({
  oldest_due: Instant.nullable().describe(
    'Since when the job that has waited longest could run; null where no job waits.',
  ),
  entered: Count.describe(
    'Jobs that came in or came back (`entered`), and that ended (`ended`), by the event log, since the server began to count.',
  ),
  ended: Count.describe('Jobs that ended, by the event log, since the server began to count.'),
  untold: Count.describe(
    'Jobs that came or went without an event: it grows while another program writes to the group in plain SQL.',
  ),
})
export type LiveGroup = z.output<typeof LiveGroup>

/** A bulk change that is running. */
export const RunningChange = z.object({
  id: Integer.describe('The id of the operation.'),
  kind: z.string().describe('What the change does, such as `prune`.'),
  ...scopeNames,
  caller: z.string().describe('The id of the caller who makes it.'),
  reason: z.string().nullable().describe('Why it is made; null where no reason was given.'),
  affected: Count.describe('How many jobs it has changed so far.'),
  previewed: Count.nullable().describe('The count of its preview; null without a preview.'),
  started_at: Instant.describe('When it began.'),
})
export type RunningChange = z.output<typeof RunningChange>

const GroupName = z.object({ ...groupNames })

/** What a group of a message is: a job type of a queue, or the sums of a queue or of a domain, whose other names are empty. */
const levels = ['domain', 'queue', 'job_type'] as const
export type Level = (typeof levels)[number]

/** The data of one message. `event: full` has everything; `event: changes` has what is not as in the message before. */
export const StatsFrame = z.object({
  as_of: Instant.describe('The time of the counts.'),
  groups: z.array(LiveGroup).describe('Whole groups; in `changes` only those of which any field has changed.'),
  gone: z.array(GroupName).describe('Groups that have no jobs any more.'),
  stopped: z.array(StoppedQueue).optional().describe('All stopped queues; absent where they are the same.'),
  operations: z
    .array(RunningChange)
    .optional()
    .describe('All running bulk changes, at most 100; absent where they are the same.'),
  level: z.enum(levels).optional().describe('What each group is; absent without `most`.'),
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
