import * as z from 'zod'
import { IdleTrigger } from '../doctor/idle-trigger.ts'
import { endpoint } from '../endpoint.ts'
import { Switch } from '../jobs/job-filter.ts'
import { Count, optional, scopeFields, Time } from '../scope.ts'
import { Mark } from './marks.ts'

/** How long a point can be, in seconds, by its name. */
export const steps = { '1m': 60, '5m': 300, '15m': 900, '1h': 3600, '6h': 21_600, '1d': 86_400 } as const
export type Step = keyof typeof steps

const isStep = (text: string): text is Step => Object.hasOwn(steps, text)
export const stepNames = Object.keys(steps).filter(isStep)

/** How long jobs took. */
export const Durations = z.object({
  /** How many jobs of which the time is known. */
  jobs: Count,
  /** The sum of their times. */
  seconds: z.number(),
  /** How many of them have a time of at most each of `bounds`, and more than the bound before; then those above the last bound. */
  buckets: z.array(Count),
})
export type Durations = z.output<typeof Durations>

/** What became of jobs within one step. */
const Point = z.object({
  /** When the step begins. */
  at: z.string(),
  /** New queued jobs. */
  created: Count,
  /** Leases. */
  acquired: Count,
  completed: Count,
  failed: Count,
  quarantined: Count,
  cancelled: Count,
  /** Running jobs that were queued again: a retry, a release, or a lease that ran out. */
  returned: Count,
  /** Ended jobs that were queued again. */
  revived: Count,
  /** New rows in another state: an undo of a prune, or an import. */
  restored: Count,
  other: Count,
  /** How long the leased jobs had waited since they were due. */
  wait: Durations,
  /** How long the jobs had run whose attempt ended, whatever its end. */
  run: Durations,
  /**
   * With `depth`: how many jobs there were at `as_of`, the first moment of the step at which that was written; null where it was not. Absent
   * without `depth`.
   */
  depth: z
    .object({ as_of: z.string(), queued: Count, scheduled: Count, processing: Count, quarantined: Count })
    .nullable()
    .optional(),
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
    /** Whether the database keeps history now. */
    kept: z.boolean(),
    /** Why it does not; null where it does. */
    why: z.string().nullable(),
    /** The triggers that do not fire, where these are why; absent from servers of older versions. */
    triggers: z.array(IdleTrigger).optional(),
    /** When history was on for the first time; null where it never was. With `of_jobs`: jobs that ended earlier may have been deleted, so that the numbers before it are lower bounds. */
    since: z.string().nullable(),
    from: z.string(),
    to: z.string(),
    step_seconds: Count,
    /** The bounds of `buckets`, in seconds. */
    bounds: z.array(z.number()),
    /** The times within the answer in which nothing was noted, because history was off or no server ran. */
    gaps: z.array(z.object({ from: z.string(), to: z.string() })),
    /** The first 1,000 marks within the answer; none for a token with a scope, since a mark is of the whole database. */
    marks: z.array(Mark),
    points: z.array(Point),
    /**
     * Over an engine that keeps no history: jobs that are still there are counted by the times of their last attempt, and jobs of a prune while
     * the archive has them. Absent where a history is kept.
     */
    of_jobs: z
      .object({
        /** Numbers of a point that these jobs do not tell; each is 0, which is no answer. */
        not_told: z.array(z.string()),
        /** A part of the range that was asked for and not read, since a history reads at most 300,000 jobs and for about 8 s; null where all was read. */
        not_read: z.object({ from: z.string(), to: z.string() }).nullable(),
      })
      .optional(),
  }),
  changes: () => false,
})
export type History = z.output<typeof history.output>
