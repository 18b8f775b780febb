import * as z from 'zod'
import { endpoint } from '../endpoint.ts'
import { queryNumber, scopeFields } from '../scope.ts'

/** The position of a reader, and its filters. */
const eventFilters = {
  /** Only events with a higher id; 0 means all events. */
  after_id: queryNumber(0, Number.MAX_SAFE_INTEGER, 0),
  ...scopeFields,
}

export const EventsRequest = z.strictObject({ ...eventFilters, limit: queryNumber(1, 1000, 100) })
export type EventsRequest = z.output<typeof EventsRequest>

/** One change of a job, or one action of an operator. */
export const JobEvent = z.object({
  id: z.number(),
  event_type: z.string(),
  job_id: z.number().nullish(),
  domain: z.string().nullish(),
  queue: z.string().nullish(),
  job_type: z.string().nullish(),
  attrs: z.unknown().optional(),
  owner_user_id: z.string().nullish(),
  request_id: z.string().nullish(),
  trace_id: z.string().nullish(),
  created_at: z.string().nullish(),
})
export type JobEvent = z.output<typeof JobEvent>

/**
 * Events in the order of their ids. A reader that sends the last id as `after_id` misses no event and gets none twice: an
 * event is answered only when no event with a lower id can appear any more.
 */
export const events = endpoint({
  method: 'GET',
  path: '/api/v1/jobs/events',
  input: EventsRequest,
  output: z.array(JobEvent),
  changes: () => false,
})

/** The same as server-sent events; a stream that was cut off continues after its `Last-Event-ID`. */
export const eventStream = { path: '/api/v1/jobs/events/stream', input: z.strictObject(eventFilters) } as const
