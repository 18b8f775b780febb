import type { z } from 'zod'
import type { Operation } from '../shared/operation.ts'
import type { Answer, Client } from './client.ts'

/** One call of a change. Most changes are one; a requeue of many domains is several. */
type Request<In extends z.ZodType> = z.input<In>

/** A change as the guard takes it: what to ask, and how to say it. */
export interface Change<In extends z.ZodType, Out extends z.ZodType> {
  /** As `--json` names it, such as `prune`. */
  name: string
  op: Operation<In, Out>
  requests: readonly Request<In>[]
  /** The same request as a preview. */
  preview: (request: Request<In>) => Request<In>
  /** The same request, which the server refuses to exceed `max` with. */
  bounded: (request: Request<In>, max: number | undefined) => Request<In>
  count: (result: z.output<Out>) => number
  /** `would delete 9,500 jobs in chatbooks`, `deleted 9,500 jobs in chatbooks` */
  say: (count: string, done: boolean) => string
  /** The scope and the settings, for `--json`. */
  facts: object
  /** The command line that asks for this change, without `--yes` and `--dry-run`. */
  words: readonly string[]
  /** More for a person who looks at a preview, such as a table; only servers that know `max` have it. */
  details?: (client: Client, preview: Previewed<Out>) => Promise<string | undefined>
}

/** What the server counted, call by call. */
export interface Previewed<Out extends z.ZodType> {
  answers: Answer<z.output<Out>>[]
  counts: number[]
  total: number
  /** The server keeps to `max`, and to the preview's reference time. */
  bounds: boolean
}

/** The result of a change as `--json` prints it. */
export const outcome = <In extends z.ZodType, Out extends z.ZodType>(
  { name, facts }: Change<In, Out>,
  dry_run: boolean,
  affected: number,
) => ({ operation: name, dry_run, affected, ...facts })
