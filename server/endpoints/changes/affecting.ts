import type { BulkChange, CompletedChange } from '../../bulk/change/bulk-change.ts'
import type { Terms } from '../../bulk/change/commission.ts'
import { ofEveryRow } from '../../bulk/token/snapshot.ts'
import type { Within } from '../../database/scope.ts'
import { dependentsInAnswer } from '../../undo/dependents-along.ts'
import type { IdFields } from './filtered.ts'
import { readNotMatched, withNamed } from './named-ids.ts'
import { readRefused } from './refused.ts'

interface Affected {
  affected: number
}

/** The answer of a change that has `affected` alone. */
export const affectedAlone = ({ counts, within }: Pick<CompletedChange, 'counts' | 'within'>): Affected => ({
  affected: counts.affected ?? 0,
  ...dependentsInAnswer(counts, within),
})

/** Describes the change that a request asks for, or its dry run. It changes no job. */
export type Describe<In, Out> = (request: Within<In>, terms: Terms) => BulkChange<Out> | Promise<BulkChange<Out>>

/** The change with an answer that names the jobs which their engine did not let it take. */
const withRefused = <Answer>(bulk: BulkChange<Answer>): BulkChange<Answer> =>
  bulk.refused
    ? {
        ...bulk,
        // The jobs are changed: an answer without these is better than none.
        ownAnswer: async (done) => ({
          ...(await bulk.ownAnswer(done)),
          ...(await readRefused(done.sql, bulk, { ...done, snapshot: ofEveryRow(done.snapshot) }).catch(() => ({}))),
        }),
      }
    : bulk

/** A change that answers with `affected`, and with the jobs that its request names and that do not match. */
export const affecting =
  <In extends IdFields & { dry_run: boolean }, Answer extends Affected>(
    describe: (request: Within<In>, terms: Terms) => BulkChange<Answer>,
  ): Describe<In, Answer> =>
  (request, terms) => {
    const bulk = describe(request, terms)
    if (!request.dry_run) return withRefused(withNamed(bulk, request))
    return {
      ...bulk,
      async dryRun(makePreview) {
        const { preview } = await makePreview({ ofIncomplete: {} })
        const named = await readNotMatched(terms.sql, request, bulk)
        return bulk.output.parse({
          affected: preview.count,
          ...bulk.ofPreview?.(preview),
          ...named,
          ...(await readRefused(terms.sql, bulk)),
          preview,
        })
      },
    }
  }
