import { type ArchivedTwins, PruneRequest, prune } from '../../shared/changes/prune.ts'
import type { Context } from '../context.ts'
import type { BulkChange } from '../guard/change.ts'
import { parseInput } from '../settings/flags/flag-errors.ts'
import { groupedDigits, jobsText } from '../text/numbers.ts'
import { besideHeld, besideRefused, dependentsBeside, joinedNotes } from './dependents.ts'
import { describeRequest, verbOf } from './filtered.ts'
import { holdersNote, holdersRefusal, passedOverNote } from './foreign-holders.ts'
import { foreignNote, foreignRefusal } from './foreign-rows.ts'
import { pruneDetails } from './prune-details.ts'
import { byDryRun, checkFields, filterFieldsOf } from './request-fields.ts'

/**
 * The request of a prune, without the fields that the guard adds.
 * @throws Failure `usage`
 */
export function pruneRequest(fields: unknown) {
  const request = parseInput(PruneRequest, fields)
  const { statuses, older_than_days, domain, queue, job_type, with_foreign_rows, pass_over_foreign, no_archive } =
    request
  const further = {
    ...(with_foreign_rows && { with_foreign_rows }),
    ...(pass_over_foreign && { pass_over_foreign }),
    ...(no_archive && { no_archive }),
  }
  return { statuses, older_than_days, domain, queue, job_type, ...filterFieldsOf(request), ...further }
}

/** A prune, for the guard. */
export function pruneChange(
  context: Context,
  request: ReturnType<typeof pruneRequest>,
  words: readonly string[],
): BulkChange<typeof prune.input, typeof prune.output> {
  const where = describeRequest(request)
  const passesOver = 'pass_over_foreign' in request
  return {
    name: 'prune',
    endpoint: prune,
    requests: [request],
    ...byDryRun,
    say: (jobs, done) => `${verbOf('prune', done)} ${jobs} in ${where}`,
    facts: request,
    words,
    ...('no_archive' in request && { undoable: false }),
    checkServer: checkFields('prune', [request]),
    beside: ({ preview, already_archived, passed_over, ...answer }) => {
      const { facts, note } = dependentsBeside(answer)
      const twins = already_archived && archivedNote(already_archived)
      const foreign = [foreignNote(preview), holdersNote(preview, { passesOver }), passedOverNote(passed_over)]
      const stays = besideRefused('deleted')(answer)
      const held = besideHeld(answer)
      return {
        facts: { ...facts, ...(already_archived && { already_archived }), ...stays.facts, ...held.facts },
        note: joinedNotes([note, ...foreign, twins, stays.note, held.note]),
      }
    },
    refusal: ({ preview }) =>
      (passesOver ? undefined : holdersRefusal(preview, context.retyped([...words, '--pass-over-foreign']))) ??
      ('with_foreign_rows' in request
        ? undefined
        : foreignRefusal(preview, context.retyped([...words, '--with-foreign-rows']))),
    details: (client, previewed) => pruneDetails(context, client, request, previewed),
  }
}

/** Which jobs stay since the archive has their uuid. */
function archivedNote({ count, ids }: ArchivedTwins): string {
  const more = count - ids.length
  const named = `${ids.join(', ')}${more > 0 ? ` and ${groupedDigits(more)} more` : ''}`
  return `${jobsText(count)} ${count === 1 ? 'stays' : 'stay'}, since jobs_archive has a job of the same uuid already: ${named}`
}
