import * as z from 'zod'
import { IdleTrigger } from '../doctor/idle-trigger.ts'
import { endpoint } from '../endpoint.ts'
import { Switch } from '../jobs/job-filter.ts'
import { Count, Instant, optional, scopeFields, Time } from '../scope.ts'
import { Mark } from './marks.ts'

/** How long a point can be, in seconds, by its name. */
export const steps = { '1m': 60, '5m': 300, '15m': 900, '1h': 3600, '6h': 21_600, '1d': 86_400 } as const
export type Step = keyof typeof steps

const isStep = (text: string): text is Step => Object.hasOwn(steps, text)
export const stepNames = Object.keys(steps).filter(isStep)

/** How long jobs took. */
export const Durations = z.object({
  jobs: Count.describe('How many jobs of which the time is known.'),
  seconds: z.number().describe('The sum of their times.'),
  buckets: z
    .array(Count)
    .describe(
      'How many of them have a time of at most each of `bounds`, and more than the bound before; then those above the last bound.',
    ),
})
export type Durations = z.output<typeof Durations>

/** What became of jobs within one step. */
const Point = z.object({
  at: Instant.describe('When the step begins.'),
  created: Count.describe('New queued jobs.'),
  acquired: Count.describe('Leases.'),
  completed: Count.describe('Jobs that were completed.'),
  failed: Count.describe('Jobs that failed for good.'),
  quarantined: Count.describe('Jobs that went into quarantine.'),
  cancelled: Count.describe('Jobs that were cancelled.'),
  returned: Count.describe('Running jobs that were queued again: a retry, a release, or a lease that ran out.'),
  revived: Count.describe('Ended jobs that were queued again.'),
  restored: Count.describe('New rows in another state: an undo of a prune, or an import.'),
  other: Count.describe('Changes between states that no field above counts.'),
  wait: Durations.describe('How long the leased jobs had waited since they were due.'),
  run: Durations.describe('How long the jobs had run whose attempt ended, whatever its end.'),
  depth: z
    .object({
      as_of: Instant.describe('When the counts were written.'),
      queued: Count.describe('Jobs that were queued and due.'),
      scheduled: Count.describe('Jobs that were queued and due later.'),
      processing: Count.describe('Jobs that were running.'),
      quarantined: Count.describe('Jobs that were in quarantine.'),
    })
    .nullable()
    .optional()
    .describe(
      'With `depth`: how many jobs there were at `as_of`, the first moment of the step at which that was written; null where it was not. Absent without `depth`.',
    ),
})
export type Point = z.output<typeof Point>

export const history = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/history',
  meaning:
    'What became of jobs over time, whatever program changed them, with a point for each step. A transaction that commits late changes the minute in which it began. History by the minute is kept for 7 days, and by the hour for 90. Over an engine that keeps none, the jobs that are still there are counted by their times (`of_jobs`).',
  slow: true,
  needs: 'read',
  scoped: 'narrowed',
  verb: 'history',
  input: z.strictObject({
    ...scopeFields,
    from: optional(Time).describe('from the step that this time is in; 24 hours before `to` when absent'),
    to: optional(Time).describe('to the end of the step before this time; now when absent'),
    step: optional(z.enum(stepNames, `must be one of ${stepNames.join(', ')}`)).describe(
      'how long a point is; the shortest with at most 60 points when absent. Below `1h` only the last 7 days can be asked for',
    ),
    depth: optional(Switch).describe('`true` for the number of jobs at the beginning of each step'),
  }),
  output: z.object({
    kept: z.boolean().describe('Whether the database keeps history now.'),
    why: z.string().nullable().describe('Why it does not; null where it does.'),
    triggers: z
      .array(IdleTrigger)
      .optional()
      .describe('The triggers that do not fire, where these are why; absent from servers of older versions.'),
    since: Instant.nullable().describe(
      'When history was on for the first time; null where it never was. With `of_jobs`: jobs that ended earlier may have been deleted, so that the numbers before it are lower bounds.',
    ),
    from: Instant.describe('When the first step begins.'),
    to: Instant.describe('When the last step ends.'),
    step_seconds: Count.describe('How long a step is, in seconds.'),
    bounds: z.array(z.number()).describe('The bounds of `buckets`, in seconds.'),
    gaps: z
      .array(z.object({ from: Instant.describe('When the gap begins.'), to: Instant.describe('When the gap ends.') }))
      .describe('The times within the answer in which nothing was noted, because history was off or no server ran.'),
    marks: z
      .array(Mark)
      .describe(
        'The first 1,000 marks within the answer; none for a token with a scope, since a mark is of the whole database.',
      ),
    points: z.array(Point).describe('A point for each step, the oldest first.'),
    of_jobs: z
      .object({
        not_told: z
          .array(z.string())
          .describe('Numbers of a point that these jobs do not tell; each is 0, which is no answer.'),
        not_read: z
          .object({ from: Instant.describe('When the part begins.'), to: Instant.describe('When the part ends.') })
          .nullable()
          .describe(
            'A part of the range that was asked for and not read, since a history reads at most 300,000 jobs and for about 8 s; null where all was read.',
          ),
      })
      .optional()
      .describe(
        'Over an engine that keeps no history: jobs that are still there are counted by the times of their last attempt, and jobs of a prune while the archive has them. Absent where a history is kept.',
      ),
  }),
  changes: () => false,
  readAt: () => 'replica',
})
export type History = z.output<typeof history.output>
