import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { Domain, optional, preset, Queue } from '../scope.ts'
import { text } from '../work/job.ts'

const queueFields = { domain: Domain, queue: Queue }

/** `pause` and `drain` stop new leases at once and let running jobs go on; a queue that drains takes no new jobs either. */
const actions = ['pause', 'resume', 'drain'] as const
export type QueueAction = (typeof actions)[number]

export const QueueState = z.object({ paused: z.boolean(), drain: z.boolean() })
export type QueueState = z.output<typeof QueueState>

export const ControlRequest = z.strictObject({
  ...queueFields,
  action: z
    .string()
    .toLowerCase()
    .pipe(z.enum(actions, `must be ${actions.slice(0, -1).join(', ')} or ${actions.at(-1)}`))
    .describe(
      '`pause` and `drain` stop new leases, `resume` ends both, in upper or lower case; a queue that drains refuses new jobs, too',
    ),
  /** Replaces the reason of a queue that is stopped already. */
  reason: optional(text(500)).describe('why, for the event'),
  must_exist: preset(z.boolean('must be true or false'), false).describe(
    'true answers 404 for a queue that never had a job and was never stopped, and changes nothing',
  ),
})
export type ControlRequest = z.output<typeof ControlRequest>

/** The answer to a change of a queue. The fields beside the state are missing in answers of other servers. */
const ControlResult = QueueState.extend({
  /** False for a queue that never had a job and was never stopped before. */
  known: z.boolean().optional(),
  /** The state before the change, with the time and the reason of a stop. */
  before: QueueState.extend({ updated_at: z.string().nullable(), reason: z.string().nullable() }).optional(),
})

export const controlQueue = endpoint({
  method: 'POST',
  path: '/api/v1/jobs/queue/control',
  meaning: 'Pauses, drains or resumes a queue.',
  needs: 'queues',
  scoped: 'narrowed',
  input: ControlRequest,
  output: ControlResult,
  changes: () => true,
  unconfirmed: true,
})

export const queueStatus = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/queue/status',
  meaning: 'Whether a queue is paused or drains.',
  needs: 'read',
  scoped: 'narrowed',
  input: z.strictObject(queueFields),
  output: QueueState,
  changes: () => false,
})

export const StoppedQueue = z.object({
  domain: z.string(),
  queue: z.string(),
  paused: z.boolean(),
  drain: z.boolean(),
  updated_at: z.string().nullable(),
  /** The reason that was given when the queue was stopped. */
  reason: z.string().nullish(),
})
export type StoppedQueue = z.output<typeof StoppedQueue>

export const stoppedQueues = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/queues',
  meaning: 'All queues that are paused or drain, since when, and why.',
  needs: 'read',
  scoped: 'narrowed',
  input: z.strictObject({}),
  output: z.array(StoppedQueue),
  changes: () => false,
})
