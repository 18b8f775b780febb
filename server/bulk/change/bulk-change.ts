import type * as z from 'zod'
import type { Preview } from '../../../shared/changes/bulk-change.ts'
import { type BulkKind, kindOf } from '../../../shared/changes/kinds.ts'
import type { Scope } from '../../../shared/scope.ts'
import type { JobId } from '../../../shared/work/job-key.ts'
import type { ChangeServer } from '../../call.ts'
import type { Holds } from '../../database/read-holds.ts'
import type { Within } from '../../database/scope.ts'
import type { Fragment, Sql, Transaction } from '../../database/sql.ts'
import type { VerifiedPreview } from '../token/preview-token.ts'
import type { Snapshot } from '../token/snapshot.ts'
import type { Claim } from './claim.ts'
import type { Commission } from './commission.ts'
import type { Selection, TimeIndex } from './selection.ts'

/** The jobs that a change is about: the jobs that its filters match at `asOf`, among the rows that `snapshot` saw. */
export interface JobSet {
  /** ISO 8601 in UTC; undefined means the time of the statement. */
  asOf: string | undefined
  /** Undefined means that the statement's own snapshot decides. */
  snapshot: Snapshot | undefined
  /** Ids of jobs that the set leaves out although the filters match them. */
  excluded?: readonly JobId[] | undefined
}

/** A set with the holds of now, which its statement passes over. A change that passes over none has none here. */
export interface SetWithHolds extends JobSet {
  holds: Holds
}

/** A bulk change on record: the id of its record in `job_operations`, and its set of jobs. */
export interface Operation extends JobSet {
  operation: number
  asOf: string
  snapshot: Snapshot
}

/** What the record and the events say of the commission behind an operation. */
export type Origin = Pick<Commission, 'caller' | 'identity' | 'within' | 'requestId' | 'reason'>

/** An operation as this server runs it, with its commission and what the server gives to it. */
export type Running = ChangeServer & Commission & Operation & Claim

/** What the statements of one batch may use. */
export interface BatchContext extends Operation, Origin {
  holds: Holds
  /**
   * True until the first conflict: the batch then changes rows without `skip locked`, and inserts rows without `on conflict`, which is faster where
   * no other transaction holds them and no place is taken.
   */
  optimistic: boolean
}

/** Where candidates for the batches are searched. Jobs that other transactions hold are searched again for `lockTimeoutMs`. */
export interface SearchContext extends JobSet, Pick<ChangeServer, 'sql' | 'lockTimeoutMs'> {}

/**
 * The counts of a batch by their names in the response; the counts of several batches add up. Under a scope, `dependents_elsewhere` is
 * the number of jobs outside that the batch has changed, since they depend on its jobs.
 */
export type BatchCounts = Record<string, number>

/** The counts of two parts of a change together, by the names that the later part has. */
export const sumOfCounts = (earlier: BatchCounts, later: BatchCounts): BatchCounts =>
  Object.fromEntries(Object.entries(later).map(([name, count]) => [name, count + (earlier[name] ?? 0)]))

/** The limits that a caller sets to the course of a change. */
export interface Brake {
  /** Jobs a second; undefined means as fast as its batches are. */
  rate?: number | undefined
  /** No batch begins after this time, in ISO 8601. */
  until?: string | undefined
}

/**
 * Whether an undo could give back jobs of an operation now, inside of the transaction that closes the record of an undo. True where
 * nobody can tell; throws nothing that PostgreSQL raises.
 */
export type LeavesJobs = (tx: Transaction, operation: number) => Promise<boolean>

/** A change of many jobs, described once for its preview, its batches and its record. */
export interface BulkChange<Answer> {
  kind: BulkKind
  /** The path and the request of a plan that makes this change, where they are not those of the call itself. */
  planned?: string
  scope: Within<Scope>
  /** The request as the record keeps it, in which the scope of the caller is added. */
  request: object
  /** The part of the request that decides which jobs are changed and how; a preview token is bound to this part. */
  filters: object
  max: number | undefined
  previewToken: string | undefined
  /** How fast the change may go, and until when. */
  brake: Brake
  /** The change puts its jobs into the archive. */
  archives?: boolean
  /** Refuses the change before its first batch, by throwing a Failure. */
  check?: (sql: Sql, set: SetWithHolds) => Promise<void>
  /** The change stops after this many jobs, though more jobs match. */
  limit?: number | undefined
  /** With `limit`: the change takes the jobs with the earliest `time` first, but for those that other transactions hold. */
  oldestFirst?: boolean
  /** The id of the operation that this change undoes. */
  undoes?: number
  /** Set for an undo: whether jobs of that operation can still be given back. While they can, the operation does not become `undone`. */
  leavesJobs?: LeavesJobs
  /** `from jobs where …`, or from a source with the alias `jobs`: the only definition of the set. */
  matching: (sql: Sql, set: SetWithHolds) => Fragment
  /** The time column, or expression, that the filters compare. */
  time: (sql: Sql) => Fragment
  /** The tid of the row of a job, by which `batch` finds it. Undefined where `batch` finds it by its id. */
  tid?: (sql: Sql) => Fragment | undefined
  /**
   * A condition on groups `(domain, queue, job_type, status)`: true for jobs that an undo can restore; absent where that is all or none
   * of them, as its kind says.
   */
  restorable?: (sql: Sql) => Fragment
  /** Why no undo can give the jobs back, as a clause; absent where one may. */
  noWayBack?: string
  /** Why the jobs of a group `(domain, queue, job_type, status)` match, as text; absent where there is one reason. */
  reason?: (sql: Sql) => Fragment
  /**
   * A query of one number: how many jobs that depend on the set are cancelled along; absent where none can be. With `only`, a condition on
   * `jobs`, those for which it is true.
   */
  dependents?: (sql: Sql, set: SetWithHolds, only?: Fragment) => Fragment
  /** A query of one number: how many further jobs the filters match that a hold keeps; absent where the change passes over no holds. */
  keptByHold?: (sql: Sql, set: SetWithHolds) => Fragment
  /** Set where the change may take its jobs in the order of this index. A batch may then be a range of times, in place of a list of ids. */
  timeIndex?: TimeIndex | undefined
  /**
   * Changes the jobs of the selection that still match and that no other transaction holds. A job that was changed must
   * not match any more.
   */
  batch: (tx: Transaction, context: BatchContext, selection: Selection) => Promise<BatchCounts>
  /** How many statements `batch` sends one after the other; absent means one. Each of them costs a round trip. */
  batchStatements?: number
  /**
   * Jobs that the database rejects, by id, with the reason. Where this map is present, a rejected job is added to it and
   * the other jobs are changed; where it is absent, a rejected job stops the change.
   */
  rejected?: Map<JobId, string>
  /**
   * A query of `(job_id, reason)`: jobs that match and that the engine behind them does not let this change take. Absent where the engine
   * takes every job. The answer of a change asks for the set of its preview.
   */
  refused?: (sql: Sql, set: JobSet) => Fragment
  /** The number of jobs behind these counts; absent where one of them is that number, as its kind says. */
  affected?: (counts: BatchCounts) => number
  /** The fields of the response that only this change has. */
  ownAnswer: (done: CompletedChange) => object | Promise<object>
  /** Parses the response, that of an idempotent replay included. */
  output: z.ZodType<Answer>
  /** The fields of the answer to a dry run that only this change has. */
  ofPreview?: (preview: Preview) => object
  /** The answer to a request that asks for a preview in place of the change; absent for one that asks for the change. */
  dryRun?: ((preview: Previewing) => Promise<Answer>) | undefined
}

/** A query of one row about the set of a preview; it may select from the CTE `grouped`. */
export type MoreOfSet = (sql: Sql, set: SetWithHolds) => Fragment

/** What a dry run asks beside the preview. */
export interface PreviewOptions<More> {
  /** Answered by the same statement. */
  more?: MoreOfSet
  /** The row of `more` for an empty set. Where an empty set is likely, the preview first tests for it, which is fast. */
  ofNone?: More
  /** The row of `more` for a set that cannot be counted to its end; without it, such a preview is refused. */
  ofIncomplete?: More
  /** What makes the search of this change shorter, where it has not the filters of most changes. */
  narrowing?: string
  /** Ids of jobs that the token excludes from the set: they do not match now, and may match later. */
  except?: (more: More) => readonly JobId[]
}

/** A preview with its token, and the row of `more`. */
export interface Previewed<More> {
  preview: Preview
  more: More
}

/** Previews the change of which the dry run is a part. */
type Previewing = <More = object>(options: PreviewOptions<More>) => Promise<Previewed<More>>

/** What a statement about the set of a change needs of it. */
export type Matching = Pick<BulkChange<unknown>, 'matching' | 'keptByHold'>

/** The number of jobs behind the counts of a batch. */
export const affectedBy = (
  { kind, affected }: Pick<BulkChange<unknown>, 'kind' | 'affected'>,
  counts: BatchCounts,
): number => (affected ? affected(counts) : (counts[kindOf(kind).countedBy] ?? 0))

/** A change after its last batch. */
export type CompletedChange = Pick<Running, keyof JobSet | 'sql' | 'operation' | 'caller' | 'within' | 'binding'> & {
  counts: BatchCounts
  previewed: VerifiedPreview | undefined
}

/** What all batches of a change did together, and what stopped the change. */
export interface RunResult {
  /** How many jobs were changed. */
  affected: number
  counts: BatchCounts
  /** How many batches changed at least one job. */
  batches: number
  /** How many jobs were left because other transactions held them to the end. */
  skippedLocked: number
  /** The error, or the reason as a clause, that stopped the change before its end; `intended` where a person or a limit of the change did. */
  stop?: { cause: unknown } | { why: string; intended?: true }
}
