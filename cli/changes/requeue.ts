import { RequeueRequest, requeue } from '../../shared/changes/requeue.ts'
import type { Scope } from '../../shared/scope.ts'
import type { BulkChange } from '../guard/change.ts'
import { bulkPart } from '../guard/tally.ts'
import { parseInput } from '../settings/flag-errors.ts'
import { describeScope } from '../settings/scope-flags.ts'
import { refuseUnknownFields } from './filtered.ts'
import { revivedBeside } from './revived.ts'

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
  const { domain, queue, job_type, job_id, with_dependents, spread_seconds } = parseInput(RequeueRequest, fields)
  const again: RunAgain = {
    ...(!with_dependents && { with_dependents }),
    ...(spread_seconds !== undefined && { spread_seconds }),
  }
  return { domain, queue, job_type, job_id, ...again }
}
export type OneRequeue = ReturnType<typeof requeueRequest>

export type RequeueChange = BulkChange<typeof requeue.input, typeof requeue.output>

/** A requeue, for the guard. `scope` is the scope of the command line, which may be wider than any single request. */
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
    along: 'brought back',
    beside: revivedBeside,
    checkServer: (_client, answers) => {
      const isOther = answers.some((answer) => bulkPart(answer).preview === undefined)
      if (isOther) for (const request of requests) refuseUnknownFields('requeue', request)
    },
  }
}

/** The scope that the requests share; several domains come from a scope of all domains. */
function scopeOfAll([first, ...more]: readonly OneRequeue[]): Scope {
  const { domain, queue, job_type } = first ?? {}
  return { ...(more.length === 0 && { domain }), queue, job_type }
}
