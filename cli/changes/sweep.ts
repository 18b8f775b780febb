import { SweepRequest, sweep } from '../../shared/changes/sweep.ts'
import type { BulkChange } from '../guard/change.ts'
import { parseInput } from '../settings/flags/flag-errors.ts'
import { durationText } from '../text/duration.ts'
import { besideHeld, besideRefused, dependentsBeside, joinedNotes } from './dependents.ts'
import { describeRequest } from './filtered.ts'
import { byDryRun, checkFields, filterFieldsOf, withFields } from './request-fields.ts'

/**
 * The request of a sweep, without the fields that the guard adds.
 * @throws Failure `usage`
 */
export function sweepRequest(fields: unknown) {
  const request = parseInput(SweepRequest, fields)
  const { age_seconds, runtime_seconds, action, domain, queue, job_type } = request
  return { age_seconds, runtime_seconds, action, domain, queue, job_type, ...filterFieldsOf(request) }
}

const verbs = { cancel: ['would cancel', 'cancelled'], fail: ['would fail', 'failed'] } as const

/** A sweep, for the guard. */
export function sweepChange(
  request: ReturnType<typeof sweepRequest>,
  words: readonly string[],
): BulkChange<typeof sweep.input, typeof sweep.output> {
  const [wouldDo, did] = verbs[request.action]
  const where = describeRequest(request)
  return {
    name: 'sweep',
    endpoint: sweep,
    requests: [request],
    preview: byDryRun.preview,
    bounded: (request, bound) => withFields(request, bound),
    say: (jobs, done) => `${done ? did : wouldDo} ${jobs} in ${where}`,
    facts: request,
    words,
    beside: (answer) => {
      const along = dependentsBeside(answer)
      const stays = besideRefused('ended')(answer)
      const held = besideHeld(answer)
      return {
        facts: { ...along.facts, ...stays.facts, ...held.facts },
        note: joinedNotes([along.note, stays.note, held.note]),
      }
    },
    checkServer: checkFields('sweep', [request]),
    why: ({ status }) => whyOf(request, status),
  }
}

/** A sweep takes queued jobs by their age and running jobs by their runtime. */
function whyOf({ age_seconds, runtime_seconds }: ReturnType<typeof sweepRequest>, status: string): string {
  const limit = status === 'queued' ? age_seconds : runtime_seconds
  if (limit === undefined) return ''
  return status === 'queued' ? `created over ${durationText(limit)} ago` : `running for over ${durationText(limit)}`
}
