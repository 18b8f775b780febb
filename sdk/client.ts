/** `jobsctl/client`: every call of the API, over the `fetch` of the platform. */
import { createCall } from './call/call.ts'
import { readEvents } from './call/read-events.ts'
import { type ClientOptions, settingsOf } from './call/settings.ts'
import { type StreamMessage, type StreamOptions, streamOf } from './call/stream.ts'
import { type Calls, callsOf, streamPaths } from './wire/calls.ts'
import type { EventStreamInput, StatsStreamInput } from './wire/types.ts'

export type { CallOptions } from './call/call.ts'
export { type Fault, JobsError } from './call/jobs-error.ts'
export type { ClientOptions, Fetch } from './call/settings.ts'
export type { StreamMessage, StreamOptions } from './call/stream.ts'
export {
  type EnqueueWithOptions,
  enqueueWith,
  type RunSql,
  type Transaction,
  type TransactionEnqueued,
  type TransactionJob,
} from './enqueue-with.ts'
export type { Calls } from './wire/calls.ts'
export type * from './wire/types.ts'

/** A client of one server: a method for each call of the API. */
export interface Client extends Calls {
  /** The events as they come, from `after_id` on. Ends when the server ends the stream, such as at its restart. */
  eventStream: (input?: EventStreamInput, options?: StreamOptions) => AsyncGenerator<StreamMessage, void, undefined>
  /** The stats as they change: a message `full`, then messages `changes`. */
  statsStream: (input?: StatsStreamInput, options?: StreamOptions) => AsyncGenerator<StreamMessage, void, undefined>
}

/**
 * Makes a client; it connects at its first call.
 * @throws TypeError for an option that cannot be right
 */
export function createClient(options: ClientOptions): Client {
  const settings = settingsOf(options)
  const call = createCall(settings)
  return {
    ...callsOf(call),
    events: (input = {}, callOptions) => readEvents(call, input, callOptions),
    eventStream: (input = {}, streamOptions) => streamOf(settings, streamPaths.eventStream, input, streamOptions),
    statsStream: (input = {}, streamOptions) => streamOf(settings, streamPaths.statsStream, input, streamOptions),
  }
}
