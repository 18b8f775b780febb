import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import type { Verb } from '../engine/verbs.ts'
import { Switch } from '../jobs/job-filter.ts'
import { Domain, Instant, Integer, optional, preset, Queue, queueNames, wholeNumber } from '../scope.ts'
import { text } from '../work/job.ts'
import { Throttle } from './throttle.ts'

const queueFields = { domain: Domain, queue: Queue }

/** `pause` and `drain` stop new leases at once and let running jobs go on; a queue that drains takes no new jobs either. */
const stops = ['pause', 'resume', 'drain'] as const
export type QueueAction = (typeof stops)[number]
/** `set` leaves the queue running or stopped as it is. */
const actions = [...stops, 'set'] as const

/**
 * After how many failures in a row with one error code jobs of the queue are quarantined that have no threshold of their own: 0 for never,
 * null for the threshold of the server.
 */
const threshold = Integer.nullish()

const QueueState = z.object({
  paused: z.boolean().describe('True where the queue gives out no jobs: it is paused, or drains.'),
  drain: z.boolean().describe('True where the queue takes no new jobs either.'),
})

const ControlFields = z.strictObject({
  ...queueFields,
  action: z
    .string()
    .toLowerCase()
    .pipe(z.enum(actions, `must be ${actions.slice(0, -1).join(', ')} or ${actions.at(-1)}`))
    .describe(
      '`pause` and `drain` stop new leases, `resume` ends both, in upper or lower case; a queue that drains refuses new jobs, too; `set` sets `quarantine_threshold` and leaves the queue running or stopped',
    ),
  quarantine_threshold: wholeNumber(0, 100)
    .nullish()
    .describe(
      'with the action `set`: after how many failures in a row with one error code jobs of the queue are quarantined that have no threshold of their own; 0 for never, null as the server says (`JOBS_QUARANTINE_THRESHOLD`)',
    ),
  /** Replaces the reason of a queue that is stopped already. */
  reason: optional(text(500)).describe('why, for the event'),
  must_exist: preset(z.boolean('must be true or false'), false).describe(
    'true answers 404 for a queue that never had a job and was never stopped, and changes nothing',
  ),
})

export const ControlRequest = ControlFields.refine(
  ({ action, quarantine_threshold }) => action !== 'set' || quarantine_threshold !== undefined,
  { path: ['quarantine_threshold'], message: 'is required with set; null is the threshold of the server' },
).refine(({ action, quarantine_threshold }) => action === 'set' || (quarantine_threshold ?? null) === null, {
  path: ['quarantine_threshold'],
  message: 'goes with the action set alone',
})
export type ControlRequest = z.output<typeof ControlRequest>

/** The answer to a change of a queue. The fields beside the state are missing in answers of other servers. */
const ControlResult = QueueState.extend({
  known: z.boolean().optional().describe('False for a queue that never had a job and was never stopped before.'),
  quarantine_threshold: threshold.describe('Of `set`.'),
  before: QueueState.extend({
    updated_at: Instant.nullable().describe('When it was stopped; null where it was not.'),
    reason: z.string().nullable().describe('Why it was stopped; null where no reason was given.'),
    quarantine_threshold: threshold.describe('The threshold before the change.'),
  })
    .optional()
    .describe('The state before the change, with the time and the reason of a stop, and of `set` the threshold.'),
})

/** What each action asks of the engine. */
const verbOfAction = {
  pause: 'pause',
  resume: 'pause',
  drain: 'drain',
  set: 'threshold',
} as const satisfies Record<ControlRequest['action'], Verb>

export const controlQueue = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/queue/control',
  meaning: 'Pauses, drains or resumes a queue, or sets its threshold (`set`).',
  needs: 'queues',
  scoped: 'narrowed',
  verb: ({ action }) => [verbOfAction[action]],
  input: ControlRequest,
  output: ControlResult,
  changes: () => true,
  unconfirmed: true,
})

export const queueStatus = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/queue/status',
  meaning:
    'Whether a queue is paused or drains, the threshold that is set for it (`quarantine_threshold`), and what it is throttled to (`throttle`).',
  needs: 'read',
  scoped: 'narrowed',
  verb: 'stats',
  input: z.strictObject(queueFields),
  output: QueueState.extend({
    quarantine_threshold: threshold.describe(
      'After how many failures in a row with one error code its jobs are quarantined: 0 for never, null as the server says.',
    ),
    throttle: Throttle.optional().describe('What the queue is throttled to; absent where it is not.'),
  }),
  changes: () => false,
})

export const StoppedQueue = z.object({
  ...queueNames,
  paused: z.boolean().describe('True where the queue gives out no jobs: it is paused, or drains.'),
  drain: z.boolean().describe('True where the queue takes no new jobs either.'),
  updated_at: Instant.nullable().describe('When it was stopped or changed last.'),
  reason: z.string().nullish().describe('The reason that was given when the queue was stopped.'),
  quarantine_threshold: threshold.describe('Where the call asks for thresholds.'),
  throttle: Throttle.nullish().describe('Of a throttled queue, where the call asks for throttles.'),
})
export type StoppedQueue = z.output<typeof StoppedQueue>

export const stoppedQueues = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/queues',
  meaning:
    'All queues that are paused or drain, since when, and why; with `thresholds=true` those that have a threshold of their own, too, and with `throttles=true` those that are throttled.',
  needs: 'read',
  scoped: 'narrowed',
  verb: 'stats',
  input: z.strictObject({
    thresholds: optional(Switch).describe('`true`: queues with a threshold of their own, too, running or not'),
    throttles: optional(Switch).describe('`true`: throttled queues, too, running or not'),
  }),
  output: z.array(StoppedQueue),
  changes: () => false,
})
