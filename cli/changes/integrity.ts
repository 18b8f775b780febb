import { IntegrityRequest, type IntegrityResult, integrity } from '../../shared/changes/integrity.ts'
import type { BulkChange } from '../guard/change.ts'
import { parseInput } from '../settings/flags/flag-errors.ts'
import { describeScope } from '../settings/flags/scope-flags.ts'

/**
 * The request of a repair, without the fields that the guard adds.
 * @throws Failure `usage`
 */
export function integrityRequest(fields: unknown) {
  const { domain, queue, job_type } = parseInput(IntegrityRequest, fields)
  return { domain, queue, job_type }
}

/** The number of jobs that break an invariant. */
export const brokenCount = (found: IntegrityResult): number =>
  found.non_processing_with_lease + found.processing_expired

/** A repair, for the guard. */
export function integrityChange(
  request: ReturnType<typeof integrityRequest>,
  words: readonly string[],
): BulkChange<typeof integrity.input, typeof integrity.output> {
  return {
    name: 'integrity',
    endpoint: integrity,
    requests: [request],
    preview: (request) => ({ ...request, fix: false }),
    bounded: (request, bound) => ({ ...request, fix: true, ...bound }),
    count: (result) => (result.fixed > 0 ? result.fixed : brokenCount(result)),
    say: (jobs, done) => `${done ? 'repaired' : 'would repair'} ${jobs} in ${describeScope(request)}`,
    facts: request,
    words,
  }
}
