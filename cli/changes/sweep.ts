import { SweepRequest, sweep } from '../../shared/changes/sweep.ts'
import type { BulkChange } from '../guard/change.ts'
import { parseInput } from '../settings/flag-errors.ts'
import { describeScope } from '../settings/scope-flags.ts'

/**
 * The request of a sweep, without the fields that the guard adds.
 * @throws Failure `usage`
 */
export function sweepRequest(fields: unknown) {
  const { age_seconds, runtime_seconds, action, domain, queue, job_type } = parseInput(SweepRequest, fields)
  return { age_seconds, runtime_seconds, action, domain, queue, job_type }
}

const verbs = { cancel: ['would cancel', 'cancelled'], fail: ['would fail', 'failed'] } as const

/** A sweep, for the guard. */
export function sweepChange(
  request: ReturnType<typeof sweepRequest>,
  words: readonly string[],
): BulkChange<typeof sweep.input, typeof sweep.output> {
  const [wouldDo, did] = verbs[request.action]
  const where = describeScope(request)
  return {
    name: 'sweep',
    endpoint: sweep,
    requests: [request],
    preview: (request) => ({ ...request, dry_run: true }),
    bounded: (request, bound) => ({ ...request, ...bound }),
    count: ({ affected }) => affected,
    say: (jobs, done) => `${done ? did : wouldDo} ${jobs} in ${where}`,
    facts: request,
    words,
    undoable: true,
  }
}
