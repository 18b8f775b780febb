import { createCall } from './call/call.ts'
import { readEvents } from './call/read-events.ts'
import { type ClientOptions, settingsOf } from './call/settings.ts'
import { type StreamMessage, type StreamOptions, streamOf } from './call/stream.ts'
import { type WaitOptions, waitFor } from './wait-for.ts'
import { type Calls, callsOf, streamPaths } from './wire/calls.ts'
import type { EventStreamInput, ShowJobOutput, StatsStreamInput } from './wire/types.ts'

/** A client of one server: a method for each call of the API. */
export interface Client extends Calls {
  /** The events as they come, from `after_id` on. Ends when the server ends the stream, such as at its restart. */
  eventStream: (input?: EventStreamInput, options?: StreamOptions) => AsyncGenerator<StreamMessage, void, undefined>
  /** Waits until a job has ended, whichever way, and returns it. Throws JobsError `timed_out` where it has not in time. */
  waitFor: (id: number, options?: WaitOptions) => Promise<ShowJobOutput>
  /** The stats as they change: a message `full`, then messages `changes`. */
  statsStream: (input?: StatsStreamInput, options?: StreamOptions) => AsyncGenerator<StreamMessage, void, undefined>
}

/** As `createClient`, for options among others. */
export function clientWith(options: ClientOptions): Client {
  const settings = settingsOf(options)
  const call = createCall(settings)
  const calls = callsOf(call)
  return {
    ...calls,
    waitFor: (id, options) => waitFor(calls, id, options),
    events: (input = {}, callOptions) => readEvents(call, input, callOptions),
    eventStream: (input = {}, streamOptions) => streamOf(settings, streamPaths.eventStream, input, streamOptions),
    statsStream: (input = {}, streamOptions) => streamOf(settings, streamPaths.statsStream, input, streamOptions),
  }
}
