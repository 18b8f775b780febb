import { IntegrityRequest, type IntegrityResult, integrity } from '../../shared/changes/integrity.ts'
import type { BulkChange } from '../guard/change.ts'
import { parseInput } from '../settings/flags/flag-errors.ts'
import { besideRefused } from './dependents.ts'
import { describeRequest, verbOf } from './filtered.ts'
import { filterFieldsOf, withFields } from './request-fields.ts'

/**
 * The request of a repair, without the fields that the guard adds.
 * @throws Failure `usage`
 */
export function integrityRequest(fields: unknown) {
  const request = parseInput(IntegrityRequest, fields)
  const { domain, queue, job_type, status } = request
  return { domain, queue, job_type, ...(status && { status }), ...filterFieldsOf(request) }
}

/** The number of jobs that break an invariant. */
export const brokenCount = (found: IntegrityResult): number =>
  found.non_processing_with_lease + found.processing_expired

/** What a repair would change of the jobs of another engine, whose checks count more than it repairs; undefined for own jobs. */
const countOfEngine = ({ checks, preview }: IntegrityResult): number | undefined => checks && preview?.count

/** A repair, for the guard. */
export function integrityChange(
  request: ReturnType<typeof integrityRequest>,
  words: readonly string[],
): BulkChange<typeof integrity.input, typeof integrity.output> {
  return {
    name: 'integrity',
    endpoint: integrity,
    requests: [request],
    preview: (request) => withFields(request, { fix: false }),
    bounded: (request, bound) => withFields(request, { fix: true, ...bound }),
    count: (result) => (result.fixed > 0 ? result.fixed : (countOfEngine(result) ?? brokenCount(result))),
    beside: besideRefused('repaired'),
    say: (jobs, done) => `${verbOf('integrity', done)} ${jobs} in ${describeRequest(request)}`,
    facts: request,
    words,
  }
}
