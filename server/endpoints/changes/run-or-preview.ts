import type { BulkChange, CompletedChange } from '../../bulk/bulk-change.ts'
import { previewChange } from '../../bulk/preview/preview.ts'
import { runBulkChange } from '../../bulk/run.ts'
import type { Call } from '../../call.ts'
import { dependentsInAnswer } from '../../undo/dependents-along.ts'
import type { IdFields } from './filtered.ts'
import { readNotMatched, withNamed } from './named-ids.ts'

interface Affected {
  affected: number
}

/** The answer of a change that has `affected` alone. */
export const affectedAlone = ({ counts, within }: Pick<CompletedChange, 'counts' | 'within'>): Affected => ({
  affected: counts.affected ?? 0,
  ...dependentsInAnswer(counts, within),
})

/**
 * Runs a change, or for a dry run previews it.
 * @throws Failure as `runBulkChange` and `previewChange` do
 */
export async function runOrPreview<Answer extends Affected>(
  call: Call,
  request: IdFields & { dry_run: boolean },
  bulk: BulkChange<Answer>,
): Promise<Answer> {
  const naming = { ...request, within: call.within }
  if (!request.dry_run) return runBulkChange(call, withNamed(bulk, naming))
  const { preview } = await previewChange(call, bulk, { ofIncomplete: {} })
  return bulk.output.parse({ affected: preview.count, ...(await readNotMatched(call.sql, naming, bulk)), preview })
}
