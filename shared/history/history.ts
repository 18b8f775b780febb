import * as z from 'zod'
import { IdleTrigger } from '../doctor/idle-trigger.ts'
import { endpoint } from '../endpoint.ts'
import { Count, optional, scopeFields } from '../scope.ts'
import { Time } from '../time.ts'
import { Mark } from './marks.ts'

/** How long a point can be, in seconds, by its name. */
export const steps = { '1m': 60, '5m': 300, '15m': 900, '1h': 3600, '6h': 21_600, '1d': 86_400 } as const
export type Step = keyof typeof steps

const isStep = (text: string): text is Step => Object.hasOwn(steps, text)
export const stepNames = Object.keys(steps).filter(isStep)

/** How long jobs took. */
const Durations = z.object({
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
})
export type Point = z.output<typeof Point>

/** What became of jobs over time, by whatever program. A transaction that commits late changes the minute in which it began. */
export const history = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/history',
  slow: true,
  needs: 'read',
  scoped: 'narrowed',
  input: z.strictObject({
    ...scopeFields,
    /** From this time on, 24 hours before `to` by default; the points begin with the step that it is in. */
    from: optional(Time),
    /** Before this time, by default now. */
    to: optional(Time),
    /** How long a point is; by default the shortest with which there are at most 60, or a day. */
    step: optional(z.enum(stepNames, `must be one of ${stepNames.join(', ')}`)),
  }),
  output: z.object({
    /** Whether the database keeps history now. */
    kept: z.boolean(),
    /** Why it does not; null where it does. */
    why: z.string().nullable(),
    /** The triggers that do not fire, where these are why; absent from servers of older versions. */
    triggers: z.array(IdleTrigger).optional(),
    /** When history was on for the first time; null where it never was. */
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
  }),
  changes: () => false,
})
export type History = z.output<typeof history.output>
