import { RequeueRequest, requeue } from '../../shared/changes/requeue.ts'
import type { Scope } from '../../shared/scope.ts'
import type { BulkChange } from '../guard/change.ts'
import { parseInput } from '../settings/flag-errors.ts'
import { describeScope } from '../settings/scope-flags.ts'

/**
 * One call of a requeue as it is sent, before the guard adds to it: the API takes one domain, and one job or all
 * of a scope.
 * @throws Failure `usage`
 */
export function requeueRequest(fields: unknown) {
  const { domain, queue, job_type, job_id } = parseInput(RequeueRequest, fields)
  return { domain, queue, job_type, job_id }
}
export type OneRequeue = ReturnType<typeof requeueRequest>

export type RequeueChange = BulkChange<typeof requeue.input, typeof requeue.output>

/** A requeue as the guard takes it; `scope` is what was asked for, where that is more than its calls name. */
export function requeueChange(
  requests: readonly OneRequeue[],
  words: readonly string[],
  scope: Scope = scopeOfAll(requests),
): RequeueChange {
  const ids = requests.flatMap(({ job_id }) => job_id ?? [])
  const where = ids.length > 0 ? '' : ` in ${describeScope(scope)}`
  return {
    name: 'requeue',
    endpoint: requeue,
    requests,
    preview: (request) => ({ ...request, dry_run: true }),
    bounded: (request, bound) => ({ ...request, dry_run: false, ...bound }),
    count: ({ affected }) => affected,
    say: (jobs, done) => `${done ? 'requeued' : 'would requeue'} ${jobs}${where}`,
    facts: ids.length > 0 ? { ids } : scope,
    words,
    undoable: true,
  }
}

/** What the calls have in common; many domains are all that there were. */
function scopeOfAll([first, ...more]: readonly OneRequeue[]): Scope {
  const { domain, queue, job_type } = first ?? {}
  return { ...(more.length === 0 && { domain }), queue, job_type }
}
