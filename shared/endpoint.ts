import type { z } from 'zod'
import type { Right } from './access/rights.ts'
import type { Asked, Verb } from './engine/verbs.ts'

/**
 * How an endpoint is narrowed. `narrowed`: its statements have the scope of the caller as a condition, so that what lies outside does not
 * exist for that caller. `same`: its answer says nothing of jobs. Refused: such a caller gets 403, for the reason that goes on from
 * "since".
 */
export type Scoped = 'narrowed' | 'same' | { readonly refused: string }

/**
 * Where a read may be made on a server with a replica (`JOBS_DB_READ_URL`): `replica` for any caller, `stale-ok` at the replica for callers that
 * send `X-Stale-Ok`, or at the `primary` alone.
 */
export type ReadPlace = 'replica' | 'stale-ok' | 'primary'

/** One endpoint of the API. It is described once: the server mounts it, and the CLI calls it. */
export interface Endpoint<
  In extends z.ZodType = z.ZodType,
  Out extends z.ZodType = z.ZodType,
  How extends Scoped = Scoped,
> {
  /** A GET takes its input from the query, and the others take it from a body of JSON. */
  method: 'GET' | 'POST' | 'DELETE'
  /** A part such as `:id` is a field of the input. */
  path: string
  /** What the call does, in sentences: for the pages, OpenAPI and the types of clients. The build leaves it out of the programs. */
  meaning?: string
  /** The right that a caller needs; without it the answer is 403, whatever the input is. */
  needs: Right
  /** A right that does in place of `needs` where the call is about what is the caller's own, which the call looks for itself. */
  needsForOwn?: Right
  /** What becomes of a call by a token that is limited to domains, queues or job types. */
  scoped: How
  /**
   * What the call asks of the engine that runs the jobs. The server refuses a call whose verb the engine cannot, before it changes or reads
   * anything.
   */
  verb: Asked<z.output<In>>
  /** Set for a call without credentials: a login, and what it needs to be told before. */
  anonymous?: true
  /** A further right that this input needs, such as a filter on what a caller without the right may not see. */
  needsFor?: (input: z.output<In>) => Right | undefined
  /** Other paths of the same endpoint that callers already use. */
  aliases?: readonly string[]
  /** The alias that jobsctl calls. A server that answers it with 404 gets the call at `path`. */
  preferred?: string
  /**
   * The alias that takes the id of a job as `key` in its query: the text of a key may have any character, and proxies rewrite some of them in
   * a path. Where `path` has `:id`, it takes numbers and uuids alone.
   */
  keyed?: string
  /** Fields that a call with a body takes from its query, because callers already send them there. */
  query?: readonly string[]
  input: In
  output: Out
  /** True when this input would change stored jobs. */
  changes: (input: z.output<In>) => boolean
  /** Set for a change that needs no `X-Confirm`: workers make it, or callers already send it without the header. */
  unconfirmed?: boolean
  /** Set for a change that a freeze of the database does not refuse: a call of workers, or one that ends a change. */
  whileFrozen?: true
  /** Set for a change that an agent may make: a plan, and what ends its own plan or session. It makes no other. */
  byAgents?: true
  /**
   * Set for a call that workers and applications make for each job. These calls have connections of their own. All other calls, such as
   * lists, events and acts of operators, share the operators' connections, also where a worker makes them.
   */
  forPrograms?: true
  /**
   * Set for a read whose time grows with what is stored. Few of them run at once, so that acts and short reads find a connection
   * and workers find processor time.
   */
  slow?: true
  /** Where this input may be read; absent for what is read at the primary alone. What a replica answers, it must answer without a write. */
  readAt?: (input: z.output<In>) => ReadPlace
  /** Set for a read that a replica would answer wrongly, or too late. */
  primaryOnly?: true
  /** Set where the field `id` names an operation, so that the call is about the jobs that it has changed. */
  ofOperation?: true
  /** Set for a change of many jobs, which has a preview, batches, a record and an idempotency key. */
  bulk?: true
  /**
   * Set when equal requests at the same time may share one response, which is computed after the last of them arrived. `everyMs` is the
   * least time from one computation to the next one, for a page that many people keep open.
   */
  shared?: true | { everyMs: number }
  /** Set for a read that reports its progress line by line, as a change of many jobs can. */
  progress?: true
  /** The number of payloads or results of the largest size that a body may carry, on top of the body limit. */
  documents?: number
  /** Set for a call that takes `Prefer: return=minimal`, and then answers less than its output. */
  minimal?: true
  /** True when this output was created by the call, so that the status is 201. */
  created?: (output: z.output<Out>) => boolean
}

/** A call whose answer is a stream of server-sent events. */
export interface Stream {
  path: string
  /** As of an endpoint. */
  meaning?: string
  needs: Right
  scoped: Scoped
  verb: Verb
  input: z.ZodType
}

/** Keeps the literal types of an endpoint, which needs a meaning; it does nothing at run time. */
export const endpoint = <In extends z.ZodType, Out extends z.ZodType, const How extends Scoped>(
  spec: Endpoint<In, Out, How> & { meaning: string },
): Endpoint<In, Out, How> => spec
