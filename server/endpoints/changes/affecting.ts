import type { Preview } from '../../../shared/changes/bulk-change.ts'
import type { BulkChange, CompletedChange } from '../../bulk/bulk-change.ts'
import type { Within } from '../../database/scope.ts'
import type { Pool } from '../../database/sql.ts'
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
 * A change that answers with `affected`, and with the jobs that its request names and that do not match.
 * @param more what the answer to a dry run has beside these
 */
export function affecting<Request extends Within<IdFields> & { dry_run: boolean }, Answer extends Affected>(
  sql: Pool,
  request: Request,
  describe: (request: Request) => BulkChange<Answer>,
  more: (preview: Preview) => object = () => ({}),
): BulkChange<Answer> {
  const bulk = describe(request)
  if (!request.dry_run) return withNamed(bulk, request)
  return {
    ...bulk,
    async dryRun(makePreview) {
      const { preview } = await makePreview({ ofIncomplete: {} })
      const named = await readNotMatched(sql, request, bulk)
      return bulk.output.parse({ affected: preview.count, ...more(preview), ...named, preview })
    },
  }
}
