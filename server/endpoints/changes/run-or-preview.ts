import type { BatchCounts, BulkChange, CompletedChange } from '../../bulk/bulk-change.ts'
import { previewChange } from '../../bulk/preview/preview.ts'
import { runBulkChange } from '../../bulk/run.ts'
import type { Call } from '../../call.ts'

interface Affected {
  affected: number
}

/** The parts of a change whose answer has `affected` alone. */
export const affectedAlone = {
  affected: ({ affected = 0 }: BatchCounts): number => affected,
  ownAnswer: ({ counts: { affected = 0 } }: Pick<CompletedChange, 'counts'>): Affected => ({ affected }),
}

/**
 * Runs a change, or for a dry run previews it.
 * @throws Failure as `runBulkChange` and `previewChange` do
 */
export async function runOrPreview<Answer extends Affected>(
  call: Call,
  { dry_run }: { dry_run: boolean },
  bulk: BulkChange<Answer>,
): Promise<Answer> {
  if (!dry_run) return runBulkChange(call, bulk)
  const { preview } = await previewChange(call, bulk, { ofIncomplete: {} })
  return bulk.output.parse({ affected: preview.count, preview })
}
