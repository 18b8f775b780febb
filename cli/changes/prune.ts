import { PruneRequest, prune } from '../../shared/changes/prune.ts'
import type { Context } from '../context.ts'
import type { BulkChange } from '../guard/change.ts'
import { parseInput } from '../settings/flag-errors.ts'
import { describeScope } from '../settings/scope-flags.ts'
import { pruneDetails } from './prune-details.ts'

/**
 * The request of a prune, without the fields that the guard adds.
 * @throws Failure `usage`
 */
export function pruneRequest(fields: unknown) {
  const { statuses, older_than_days, domain, queue, job_type } = parseInput(PruneRequest, fields)
  return { statuses, older_than_days, domain, queue, job_type }
}

/** A prune, for the guard. */
export function pruneChange(
  context: Context,
  request: ReturnType<typeof pruneRequest>,
  words: readonly string[],
): BulkChange<typeof prune.input, typeof prune.output> {
  const where = describeScope(request)
  return {
    name: 'prune',
    endpoint: prune,
    requests: [request],
    preview: (request) => ({ ...request, dry_run: true }),
    bounded: (request, bound) => ({ ...request, dry_run: false, ...bound }),
    count: ({ deleted }) => deleted,
    say: (jobs, done) => `${done ? 'deleted' : 'would delete'} ${jobs} in ${where}`,
    facts: request,
    words,
    undoable: true,
    details: (client, previewed) => pruneDetails(context, client, request, previewed),
  }
}
