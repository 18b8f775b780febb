import { RequeueRequest, requeue } from '../../shared/changes/requeue.ts'
import type { Scope } from '../../shared/scope.ts'
import type { BulkChange } from '../guard/change.ts'
import { parseInput } from '../settings/flags/flag-errors.ts'
import { broughtBackBeside } from './dependents.ts'
import { describeRequest, verbOf } from './filtered.ts'
import { byDryRun, checkFields, filterFieldsOf } from './request-fields.ts'

/** How the jobs run again; a field that is absent has its default. */
interface RunAgain {
  with_dependents?: boolean
  spread_seconds?: number
}

/**
 * One request of a requeue, without the fields that the guard adds. The API takes one domain, and one job or all
 * jobs of a scope.
 * @throws Failure `usage`
 */
export function requeueRequest(fields: unknown) {
  const request = parseInput(RequeueRequest, fields)
  const { domain, queue, job_type, job_id, with_dependents, spread_seconds } = request
  const again: RunAgain = {
    ...(!with_dependents && { with_dependents }),
    ...(spread_seconds !== undefined && { spread_seconds }),
  }
  return { domain, queue, job_type, job_id, ...filterFieldsOf(request), ...again }
}
export type OneRequeue = ReturnType<typeof requeueRequest>

export type RequeueChange = BulkChange<typeof requeue.input, typeof requeue.output>

/** A requeue, for the guard. `filter` is the filter of the command line, which may be wider than any single request. */
export function requeueChange(
  requests: readonly OneRequeue[],
  words: readonly string[],
  filter: object = scopeOfAll(requests),
): RequeueChange {
  const ids = requests.flatMap(({ job_id }) => job_id ?? [])
  const where = ids.length > 0 || requests.some((request) => 'ids' in request) ? '' : ` in ${describeRequest(filter)}`
  return {
    name: 'requeue',
    endpoint: requeue,
    requests,
    ...byDryRun,
    say: (jobs, done) => `${verbOf('requeue', done)} ${jobs}${where}`,
    facts: ids.length > 0 ? { ids } : filter,
    words,
    along: 'brought back',
    beside: broughtBackBeside,
    checkServer: checkFields('requeue', requests),
  }
}

/** The scope that the requests share; several domains come from a scope of all domains. */
function scopeOfAll([first, ...more]: readonly OneRequeue[]): Scope {
  const { domain, queue, job_type } = first ?? {}
  return { ...(more.length === 0 && { domain }), queue, job_type, ...filterFieldsOf(first ?? {}) }
}
