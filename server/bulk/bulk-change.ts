import type * as z from 'zod'
import type { BulkKind } from '../../shared/records/records.ts'
import type { Scope } from '../../shared/scope.ts'
import type { Call } from '../call.ts'
import type { Fragment, Sql } from '../database/sql.ts'
import type { VerifiedPreview } from './preview-token.ts'
import type { Selection } from './selection.ts'
import type { Snapshot } from './snapshot.ts'

/** The set that a change is about: what its filters match at this time, of the rows as they were then. */
export interface JobSet {
  asOf: string | undefined
  snapshot: Snapshot | undefined
  /** Jobs that do not belong to it, whatever else says so. */
  excluded?: readonly number[] | undefined
}

/** A change that runs: its call, its set, and its record. */
export interface RunningChange extends Call {
  asOf: string
  snapshot: Snapshot
  excluded: JobSet['excluded']
  operation: number
  /** Take rows without asking who holds them: until one is met, as a lock that is waited for in vain. */
  optimistic: boolean
  /** How long a batch waits for any lock, in milliseconds. */
  batchLockTimeoutMs: number
}

/** What a batch has done, by the names of the answer; batches add up. */
export type BatchCounts = Record<string, number>

/** A change of many jobs, described once: for its preview, its batches and its record. */
export interface BulkChange<Answer> {
  kind: BulkKind
  /** As people call it, such as `prune`. */
  name: string
  /** As the events table names it, such as `jobs.pruned`. */
  event: string
  scope: Scope
  /** The request as it is kept with the record. */
  request: object
  /** That part of it which says what is changed, and how: a preview is of these alone. */
  filters: object
  max: number | undefined
  previewToken: string | undefined
  /** Stop after so many jobs, though more match. */
  limit?: number | undefined
  /** The operation that it takes back. */
  undoes?: number
  /** `from jobs where …`, or from what is called `jobs`: the only definition of the set, for the preview and the batches. */
  matching: (sql: Sql, set: JobSet) => Fragment
  /** The time that the filters look at. */
  time: (sql: Sql) => Fragment
  /** An index of what can match is in the order of `time`: batches may be stretches of it. */
  hasTimeIndex?: boolean
  /**
   * Changes those jobs of the selection that match, and that nobody else holds; what it has changed no longer matches.
   */
  batch: (tx: Sql, running: RunningChange, selection: Selection) => Promise<BatchCounts>
  /** Where this is kept, jobs that the tables do not take are left, and told here with why; the others are changed. */
  rejected?: Map<number, string>
  /** How many jobs these counts are. */
  affected: (counts: BatchCounts) => number
  /** The part of the answer that only this change has. */
  ownAnswer: (done: CompletedChange) => object | Promise<object>
  /** The answer of what was done, for a repetition, too. */
  output: z.ZodType<Answer>
}

/** A change that is done. */
export interface CompletedChange {
  running: RunningChange
  counts: BatchCounts
  previewed: VerifiedPreview | undefined
}
