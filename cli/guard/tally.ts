import * as z from 'zod'
import { bulkAnswer } from '../../shared/changes/bulk-change.ts'

const BulkAnswer = z.object(bulkAnswer)
export type BulkAnswer = z.output<typeof BulkAnswer>

/** What an answer of a bulk change says beside its counts; nothing, from a server that is not ours. */
export const bulkPart = (answer: unknown): BulkAnswer => BulkAnswer.parse(answer)

/** What the calls of a change did together; what the server did not tell is undefined. */
export interface Tally {
  operation_ids: number[] | undefined
  batches: number | undefined
  elapsed_ms: number | undefined
  skipped: number | undefined
  skipped_locked: number | undefined
}

/** Adds up what the answers of a change say. */
export function tallyOf(answers: readonly unknown[]): Tally {
  const parts = answers.map(bulkPart)
  const ids = parts.flatMap(({ operation_id }) => operation_id ?? [])
  const sum = (name: 'batches' | 'elapsed_ms' | 'skipped' | 'skipped_locked') => {
    const told = parts.flatMap((part) => part[name] ?? [])
    return told.length > 0 ? told.reduce((total, value) => total + value, 0) : undefined
  }
  return {
    operation_ids: ids.length > 0 ? ids : undefined,
    batches: sum('batches'),
    elapsed_ms: sum('elapsed_ms'),
    skipped: sum('skipped'),
    skipped_locked: sum('skipped_locked'),
  }
}
