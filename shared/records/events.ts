import * as z from 'zod'
import { endpoint, type Stream } from '../endpoint.ts'
import { Switch } from '../jobs/job-filter.ts'
import { clampedNumber, Instant, Integer, optional, queryNumber, scopeFields } from '../scope.ts'
import { JobId } from '../work/job.ts'

/** The position of a reader, and its filters. */
const eventFilters = {
  after_id: queryNumber(0, Number.MAX_SAFE_INTEGER, 0).describe(
    'only events after this id; 0 means from the beginning',
  ),
  ...scopeFields,
}

/** The most events of one answer: 200 by default, as on the other server. */
const page = [1, 1000, 200] as const

/** A limit outside of 1 to 1000 is clamped, as on the other server. */
export const EventsRequest = z.strictObject({
  ...eventFilters,
  limit: clampedNumber(...page).describe('the most rows to answer'),
  before_id: queryNumber(0, Number.MAX_SAFE_INTEGER, 0).describe(
    'the last events before this id, in place of the first ones after `after_id`; 0 means the first ones after `after_id`',
  ),
  skip_expired: optional(Switch).describe(
    '`true` passes over events that have been deleted because their term was over, `false` answers 410; absent, the call passes over them after 0 alone',
  ),
  partial: optional(Switch).describe(
    'true for a reader that goes on from the header `X-Next-After`: where no event of its filter is found within 5 s, it gets a page without one in place of 503',
  ),
})

/** The same for the flags of a command, in which a limit outside of the range is an error. */
export const EventsFlags = z.strictObject({ ...eventFilters, limit: queryNumber(...page) })

export type EventsRequest = z.output<typeof EventsRequest>

/** One change of a job, or one action of an operator; its fields are in the order of the other server. */
export const JobEvent = z.object({
  id: Integer.describe('The id of the event: events are in the order of their ids.'),
  job_id: JobId.nullish().describe('The job of the event; null for one of an operator.'),
  domain: z.string().nullish().describe('The domain of the job or queue; null for an event of no domain.'),
  queue: z.string().nullish().describe('The queue; null for an event of no queue.'),
  job_type: z.string().nullish().describe('The type of the job; null for an event of no job type.'),
  event_type: z.string().describe('What happened, such as `job.completed`.'),
  attrs: z.unknown().optional().describe('An object, `{}` where the stored value is no object.'),
  owner_user_id: z.string().nullish().describe('The owner of the job; null for a job without one.'),
  request_id: z.string().nullish().describe('The request that caused the event; null for one without.'),
  trace_id: z.string().nullish().describe('The trace of the job; null for one without.'),
  created_at: Instant.nullish().describe('When it happened.'),
})
export type JobEvent = z.output<typeof JobEvent>

/**
 * The data of a stream's message `event: job`: all fields of an event, and its type as `event`, under which clients of the
 * other server look for it.
 */
export const streamedEvent = (event: JobEvent) => ({ event: event.event_type, ...event })

/**
 * A reader that sends the last id as `after_id` misses no event and gets none twice: an event is answered only when no event with a lower
 * id can appear any more.
 */
export const events = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/events',
  meaning:
    'Events in the order of their ids. 410 `events_expired` where events after `after_id` have been deleted because their term was over, and `events_reset` for an id that the log has not given out. With `partial=true` the header `X-Next-After` has the id to go on with while there may be more events; without it, a search that finds nothing within 5 s is 503.',
  needs: 'read',
  scoped: 'narrowed',
  verb: 'events',
  input: EventsRequest,
  output: z.array(JobEvent),
  changes: () => false,
  primaryOnly: true,
})

/** In messages named `event: job` with `streamedEvent` as their data. */
export const eventStream = {
  path: '/api/v1/jobs/events/stream',
  meaning:
    'The events as server-sent events. From `after_id`, or after the `Last-Event-ID` of a stream that broke off.',
  needs: 'read',
  scoped: 'narrowed',
  verb: 'events',
  input: z.strictObject({
    ...eventFilters,
    event: optional(z.literal('job', 'must be job')).describe(
      '`job` asks for the messages of the other server beside the events: `event: ping` at the beginning, and `data: {"heartbeat": true}` after each second of silence',
    ),
  }),
} as const satisfies Stream
