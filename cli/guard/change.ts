import type { z } from 'zod'
import type { Preview } from '../../shared/changes/bulk-change.ts'
import type { Endpoint } from '../../shared/endpoint.ts'
import type { BulkKind } from '../../shared/records/records.ts'
import type { Context } from '../context.ts'
import type { Client } from '../http/client.ts'

/** One call of a change. Most changes are one; a requeue of many domains is several. */
type Request<In extends z.ZodType> = z.input<In>

/** What a change is held to. */
export interface Bound {
  max?: number | undefined
  preview_token?: string | undefined
}

/** A change as the guard takes it: what to ask, and how to say it. */
export interface BulkChange<In extends z.ZodType, Out extends z.ZodType> {
  /** As `--json` names it. */
  name: BulkKind
  endpoint: Endpoint<In, Out>
  requests: readonly Request<In>[]
  /** The same request as a preview. */
  preview: (request: Request<In>) => Request<In>
  /** The same request, which the server holds to this. */
  bounded: (request: Request<In>, bound: Bound) => Request<In>
  count: (result: z.output<Out>) => number
  /** `would delete 9,500 jobs in chatbooks`, `deleted 9,500 jobs in chatbooks` */
  say: (count: string, done: boolean) => string
  /** The scope and the settings, for `--json`. */
  facts: object
  /** The command line that asks for this change, without `--yes` and `--dry-run`. */
  words: readonly string[]
  /** The command line that goes ahead with it, where it is another: that of a plan. */
  goAhead?: readonly string[]
  /** `jobsctl undo` takes it back. */
  undoable?: boolean
  /** More for a person who looks at a preview, such as a table; only servers that give tokens have it. */
  details?: (client: Client, preview: Previewed<Out>) => Promise<string | undefined>
  /** More that an answer says: facts for `--json`, and a note for everyone. */
  beside?: (result: z.output<Out>) => { facts: object; note: string | undefined }
}

/** What the parts that carry a change out need. */
export interface Session<In extends z.ZodType, Out extends z.ZodType> {
  context: Context
  client: Client
  change: BulkChange<In, Out>
  /** The bound that somebody set, beside that of the preview. */
  max: number | undefined
}

/** What the server counted, call by call. */
export interface Previewed<Out extends z.ZodType> {
  /** Empty where a plan tells the counts. */
  answers: readonly z.output<Out>[]
  counts: readonly number[]
  total: number
  /** With the tokens that the server holds a change to; undefined for a server that gives none. */
  previews: readonly Preview[] | undefined
}

/** The result of a change as `--json` prints it. */
export const outcomeFields = <In extends z.ZodType, Out extends z.ZodType>(
  { name, facts }: BulkChange<In, Out>,
  dry_run: boolean,
  affected: number,
  more: object = {},
) => ({ operation: name, dry_run, affected, ...facts, ...more })

/** Beside the outcome: what every answer says, and the notes about it. */
export function notesOf<In extends z.ZodType, Out extends z.ZodType>(
  { beside }: BulkChange<In, Out>,
  answers: readonly z.output<Out>[],
): { facts: object; notes: string[] } {
  const all = answers.flatMap((answer) => beside?.(answer) ?? [])
  return { facts: Object.assign({}, ...all.map(({ facts }) => facts)), notes: all.flatMap(({ note }) => note ?? []) }
}
