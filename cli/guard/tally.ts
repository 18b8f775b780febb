import * as z from 'zod'
import { bulkAnswer } from '../../shared/changes/bulk-change.ts'
import { Count } from '../../shared/scope.ts'
import { sumOf } from '../text/numbers.ts'

const BulkAnswer = z.object(bulkAnswer)
export type BulkAnswer = z.output<typeof BulkAnswer>

/** The fields of an answer that every bulk change of jobs-server has; another server gives none of them. */
export const bulkPart = (answer: unknown): BulkAnswer => BulkAnswer.parse(answer)

const count = Count.optional()
const Counts = z.object({
  ...{ affected: count, deleted: count, fixed: count },
  ...{ refused_count: count, conflict_count: count, kept_by_hold: count },
})

/** The counts of an answer: each kind of change has one of the changed jobs. */
export const countsIn = (answer: unknown): z.output<typeof Counts> => Counts.parse(answer)

/** How many jobs the answers left with a reason, which a note of its own says. */
export const explainedIn = (answers: readonly unknown[]): number =>
  sumOf(answers.map(countsIn).flatMap(({ refused_count = 0, conflict_count = 0 }) => [refused_count, conflict_count]))

/** How many jobs match and stay, since a hold keeps them, by the answers to a change. */
export const keptIn = (answers: readonly unknown[]): number =>
  sumOf(answers.map((answer) => countsIn(answer).kept_by_hold ?? 0))

/** The sums over the calls of a change; a field that the server did not send is undefined. */
export interface Tally {
  operation_ids: number[] | undefined
  batches: number | undefined
  elapsed_ms: number | undefined
  skipped: number | undefined
  skipped_locked: number | undefined
}

/** Adds up the answers of a change. */
export function tallyOf(answers: readonly unknown[]): Tally {
  const parts = answers.map(bulkPart)
  const ids = parts.flatMap(({ operation_id }) => operation_id ?? [])
  const sum = (name: 'batches' | 'elapsed_ms' | 'skipped' | 'skipped_locked') => {
    const values = parts.flatMap((part) => part[name] ?? [])
    return values.length > 0 ? sumOf(values) : undefined
  }
  return {
    operation_ids: ids.length > 0 ? ids : undefined,
    batches: sum('batches'),
    elapsed_ms: sum('elapsed_ms'),
    skipped: sum('skipped'),
    skipped_locked: sum('skipped_locked'),
  }
}
