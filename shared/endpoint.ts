import type { z } from 'zod'

/** One endpoint of the API, described once: the server mounts it, the CLI calls it. */
export interface Endpoint<In extends z.ZodType = z.ZodType, Out extends z.ZodType = z.ZodType> {
  method: 'GET' | 'POST'
  /** A part such as `:id` is a field of the input. */
  path: string
  /** Other spellings of the path that callers already use. */
  aliases?: readonly string[]
  input: In
  output: Out
  /** True when this input would change stored jobs. */
  changes: (input: z.output<In>) => boolean
  /** True for a change that is no operator's decision, or that callers make without `X-Confirm` already. */
  unconfirmed?: boolean
  /** A change of many jobs: previewed, batched, recorded, and known again by its idempotency key. */
  bulk?: true
  /** Those who ask the same at the same time may have one answer, which is looked up after all of them have asked. */
  shared?: true
  /** How many payloads or results of the largest size a body may carry, beside what it says itself. */
  documents?: number
  /** True when this output is news to the database, and so is answered with 201. */
  created?: (output: z.output<Out>) => boolean
}

/** Keeps the literal types of an endpoint; it does nothing at run time. */
export const endpoint = <In extends z.ZodType, Out extends z.ZodType>(spec: Endpoint<In, Out>) => spec
