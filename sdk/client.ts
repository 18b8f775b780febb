/** `jobsctl/client`: every call of the API, over the `fetch` of the platform. */
import { type ClientOptions, clientOptions, requireKnown } from './call/settings.ts'
import { type Client, clientWith } from './client-with.ts'

export type { CallOptions } from './call/call.ts'
export { type Fault, JobsError } from './call/jobs-error.ts'
export type { ClientOptions, Fetch } from './call/settings.ts'
export type { StreamMessage, StreamOptions } from './call/stream.ts'
export type { Client } from './client-with.ts'
export {
  type EnqueueWithOptions,
  enqueueWith,
  type RunSql,
  type Transaction,
  type TransactionEnqueued,
  type TransactionJob,
} from './enqueue-with.ts'
export type { WaitOptions } from './wait-for.ts'
export type { Calls } from './wire/calls.ts'
export type * from './wire/types.ts'

/**
 * Makes a client; it connects at its first call.
 * @throws TypeError for an option that cannot be right
 */
export function createClient(options: ClientOptions): Client {
  requireKnown(options, clientOptions)
  return clientWith(options)
}
