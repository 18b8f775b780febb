import type { z } from 'zod'
import type { Group, Preview } from '../../shared/changes/bulk-change.ts'
import { type BulkKind, isUndoable, kindOf } from '../../shared/changes/kinds.ts'
import type { Endpoint } from '../../shared/endpoint.ts'
import type { Failure } from '../../shared/errors.ts'
import type { Scope } from '../../shared/scope.ts'
import type { Context } from '../context.ts'
import type { Client } from '../http/client.ts'
import type { Ending } from '../output/print.ts'
import { sumOf } from '../text/numbers.ts'
import { type Naming, namedNotes } from './named-jobs.ts'
import { countsIn } from './tally.ts'

/** One call of a change. Most changes are one call; a requeue of many domains is several. */
type Request<In extends z.ZodType> = z.input<In>

/** The limits that the server enforces on a change. */
export interface Bound {
  max?: number | undefined
  preview_token?: string | undefined
  rate?: number | undefined
  until?: string | undefined
}

/** The parts of a preview for a person that only one kind of change has. */
export interface PreviewDetails {
  /** Lines above the table, without a newline at the end. */
  head?: string
  /** A table in place of the one of all changes, and the number of jobs in its rows. */
  table?: { text: string; jobs: number }
  /** Lines below the table, such as the jobs that cannot be given back. */
  below?: string
  /** The last sentence, in place of the one of `say`. */
  sentence?: string
}

/** A change, for the guard: its requests, and the sentences about it. */
export interface BulkChange<In extends z.ZodType, Out extends z.ZodType> {
  /** The name in `--json`. */
  name: BulkKind
  endpoint: Endpoint<In, Out>
  requests: readonly Request<In>[]
  /** The same request as a preview. */
  preview: (request: Request<In>) => Request<In>
  /** The same request with the limits that the server enforces. */
  bounded: (request: Request<In>, bound: Bound) => Request<In>
  /** How many jobs an answer says were changed, where that is not the count that its kind has. */
  count?: (result: z.output<Out>) => number
  /** `would delete 9,500 jobs in chatbooks`, `deleted 9,500 jobs in chatbooks` */
  say: (count: string, done: boolean) => string
  /** The scope and the settings, for `--json`. */
  facts: object
  /** The words of the command line of this change, without `--yes` and `--dry-run`. */
  words: readonly string[]
  /** The words that apply the change, where they differ from `words`: those of a plan. */
  goAhead?: readonly string[]
  /** False where `jobsctl undo` cannot undo the change, though it can undo others of its kind. */
  undoable?: false
  /** What becomes of the dependents; without it, they are cancelled. */
  along?: 'brought back' | 'given back'
  /** What the preview for a person shows beside the parts that all changes have; only servers that give preview tokens have the data. */
  details?: (client: Client, preview: Previewed<Out>) => Promise<PreviewDetails>
  /**
   * How many further jobs a call may match once the calls before it are made, by the answer to its preview. Each call is then previewed
   * again right before it is sent.
   */
  inTurn?: (answer: z.output<Out>) => number
  /** How the command ends after the change; without it, `ok`. */
  ending?: (answers: readonly z.output<Out>[]) => Ending
  /** The error where no job matches; without one, a change of no job ends well. */
  noneMatch?: (client: Client, answers: readonly z.output<Out>[]) => Promise<Failure | undefined>
  /**
   * Throws where the answers to the preview show that the server cannot be trusted with this change. Without a preview there
   * are no answers.
   */
  checkServer?: (client: Client, answers: readonly z.output<Out>[]) => void
  /** The calls for the canary jobs and for the others, where `bounded` and a `limit` do not make them: those of a plan, which has its limit. */
  canaryCalls?: (request: Request<In>) => { first: Request<In>; rest: (token: string) => Request<In> }
  /** What a person can do about the others where the canary jobs did not decide, as a clause: of a plan, whose approval holds for them. */
  othersLater?: (token: string) => string
  /** Why the change needs another flag than `--yes`, by the answer to its preview. */
  refusal?: (answer: z.output<Out>) => Failure | undefined
  /** The scope of the change, where it has one. */
  scope?: Scope
  /** Whether a scope that never had a job is an error: `--must-exist`. */
  mustExist?: boolean
  /** How the command names jobs by their ids, where it does. */
  naming?: Naming
  /** Why the change takes a group of jobs, such as `older than 1d`. */
  why?: (group: Group) => string
  /** Further facts of an answer for `--json`, and a note for everyone. */
  beside?: (result: z.output<Out>) => { facts: object; note: string | undefined }
  /** The same of the answers of all calls together. */
  together?: (results: readonly z.output<Out>[]) => { facts: object; notes: readonly string[] }
}

/** True where `jobsctl undo` can undo the change. */
export const canUndo = ({ name, undoable = isUndoable(name) }: { name: BulkKind; undoable?: boolean }): boolean =>
  undoable

/** How many jobs an answer to a change says were changed, or would be. */
export const countOf = <In extends z.ZodType, Out extends z.ZodType>(
  { name, count }: Pick<BulkChange<In, Out>, 'name' | 'count'>,
  answer: z.output<Out>,
): number => (count ? count(answer) : (countsIn(answer)[kindOf(name).countedBy] ?? 0))

/** How many jobs the answers to the calls of a change say were changed, all together. */
export const countOfAll = <In extends z.ZodType, Out extends z.ZodType>(
  change: Pick<BulkChange<In, Out>, 'name' | 'count'>,
  answers: readonly z.output<Out>[],
): number => sumOf(answers.map((answer) => countOf(change, answer)))

/** One change on its way through the guard. */
export interface ChangeRun<In extends z.ZodType, Out extends z.ZodType> {
  context: Context
  client: Client
  change: BulkChange<In, Out>
  /** The limit of `--max`, `JOBSCTL_MAX` or the profile. */
  max: number | undefined
}

/** The counts of the preview, call by call. */
export interface Previewed<Out extends z.ZodType> {
  /** Empty where the counts come from a plan. */
  answers: readonly z.output<Out>[]
  counts: readonly number[]
  total: number
  /** The jobs of a plan that the server keeps, of which `total` still match; the answer counts the others as skipped. */
  planned?: number
  /** False where the server did not count to the end: `total` is then the least number of jobs. */
  complete: boolean
  /** The previews with their tokens; undefined for a server that gives no tokens. */
  previews: readonly Preview[] | undefined
}

/** The most jobs that the calls may match one after the other. */
export const mostOf = <In extends z.ZodType, Out extends z.ZodType>(
  { inTurn }: BulkChange<In, Out>,
  { answers, total }: Pick<Previewed<Out>, 'answers' | 'total'>,
): number => total + (inTurn ? sumOf(answers.slice(1).map((answer) => inTurn(answer))) : 0)

/** The result of a change as `--json` prints it. */
export const outcomeFields = <In extends z.ZodType, Out extends z.ZodType>(
  { name, facts }: BulkChange<In, Out>,
  dry_run: boolean,
  affected: number,
  more: object = {},
) => ({ operation: name, dry_run, affected, ...facts, ...more })

/**
 * The further facts and notes of all answers.
 * @param previews the answers to the preview, which say more about jobs that are named than those to the change
 */
export function notesOf<In extends z.ZodType, Out extends z.ZodType>(
  { context, change }: Pick<ChangeRun<In, Out>, 'context' | 'change'>,
  answers: readonly z.output<Out>[],
  previews: readonly z.output<Out>[] = answers,
): { facts: object; notes: string[] } {
  const { beside, together } = change
  const named = namedNotes(context, change, previews.length > 0 ? previews : answers)
  const all = answers.flatMap((answer) => beside?.(answer) ?? [])
  const whole = together?.(answers)
  return {
    facts: Object.assign({}, ...all.map(({ facts }) => facts), whole?.facts, named.facts),
    notes: [...all.flatMap(({ note }) => note ?? []), ...(whole?.notes ?? []), ...named.notes],
  }
}
