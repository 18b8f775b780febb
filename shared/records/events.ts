import * as z from 'zod'
import { endpoint, type Stream } from '../endpoint.ts'
import { Switch } from '../jobs/job-filter.ts'
import { clampedNumber, optional, queryNumber, scopeFields } from '../scope.ts'

/** The position of a reader, and its filters. */
const eventFilters = {
  /** Only events with a higher id; 0 means all events. */
  after_id: queryNumber(0, Number.MAX_SAFE_INTEGER, 0),
  ...scopeFields,
}

/** The most events of one answer: 200 by default, as on the other server. */
const page = [1, 1000, 200] as const

/** A limit outside of 1 to 1000 is clamped, as on the other server. */
export const EventsRequest = z.strictObject({
  ...eventFilters,
  limit: clampedNumber(...page),
  /** The last events with a lower id, in place of the first ones after `after_id`; 0 means the first ones after `after_id`. */
  before_id: queryNumber(0, Number.MAX_SAFE_INTEGER, 0),
  /**
   * True passes over events that have been deleted because their term was over, instead of 410 `events_expired`; false does not. Absent, it
   * is true after 0 alone.
   */
  skip_expired: optional(Switch),
  /**
   * True for a reader that goes on from the header `X-Next-After`. It gets a page with fewer events, or with none, where a search for
   * events of its filter takes longer than 5 s; other readers get 503 then, unless an event was found.
   */
  partial: optional(Switch),
})

/** The same for the flags of a command, in which a limit outside of the range is an error. */
export const EventsFlags = z.strictObject({ ...eventFilters, limit: queryNumber(...page) })

export type EventsRequest = z.output<typeof EventsRequest>

/** One change of a job, or one action of an operator; its fields are in the order of the other server. */
export const JobEvent = z.object({
  id: z.number(),
  job_id: z.number().nullish(),
  domain: z.string().nullish(),
  queue: z.string().nullish(),
  job_type: z.string().nullish(),
  event_type: z.string(),
  /** An object, `{}` where the stored value is none. */
  attrs: z.unknown().optional(),
  owner_user_id: z.string().nullish(),
  request_id: z.string().nullish(),
  trace_id: z.string().nullish(),
  created_at: z.string().nullish(),
})
export type JobEvent = z.output<typeof JobEvent>

/**
 * The data of a stream's message `event: job`: all fields of an event, and its type as `event`, under which clients of the
 * other server look for it.
 */
export const streamedEvent = (event: JobEvent) => ({ event: event.event_type, ...event })

/**
 * Events in the order of their ids. A reader that sends the last id as `after_id` misses no event and gets none twice: an
 * event is answered only when no event with a lower id can appear any more.
 */
export const events = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/events',
  needs: 'read',
  scoped: 'narrowed',
  input: EventsRequest,
  output: z.array(JobEvent),
  changes: () => false,
})

/**
 * The same as server-sent events, in messages named `event: job` with `streamedEvent` as their data; a stream that was cut
 * off continues after its `Last-Event-ID`.
 */
export const eventStream = {
  path: '/api/v1/jobs/events/stream',
  needs: 'read',
  scoped: 'narrowed',
  input: z.strictObject({
    ...eventFilters,
    /**
     * `job` asks for the messages of the other server beside the events: `event: ping` at the beginning, and `data: {"heartbeat": true}`
     * after each second of silence in place of a comment.
     */
    event: optional(z.literal('job', 'must be job')),
  }),
} as const satisfies Stream
