import { acquire } from '../../../../shared/endpoints.ts'
import { judge, type Verdict } from '../../verdict.ts'
import { only } from '../journal.ts'
import type { Evidence } from './evidence.ts'
import { grouped } from './grouped.ts'

/** Codes of a call that may have changed jobs: `partial` says how many. */
const changing = ['outcome_unknown', 'partial']

/** Checks that no event has the id of a rejected request. */
export function checkRejected({ entries, events }: Evidence): Verdict {
  const rejected = new Map(
    only(entries, 'call')
      .filter(({ outcome, code }) => typeof outcome === 'number' && outcome >= 400 && !changing.includes(code ?? ''))
      .map((call) => [call.request, call]),
  )
  const done = grouped(
    events.filter(({ request_id }) => request_id !== null && rejected.has(request_id)),
    ({ request_id }) => request_id,
  )
  const verdict = judge(
    'a rejected request changed nothing',
    rejected.values(),
    ({ request, path, outcome, code, detail }) => {
      // An acquire reclaims expired leases in a separate transaction before it leases, so these events are allowed.
      const made = done
        .get(request)
        ?.filter((event) => path !== acquire.path || ['job.acquired', 'job.completed'].includes(event.event_type))
      if (!made || made.length === 0) return undefined
      const kinds = [...new Set(made.map(({ event_type }) => event_type))]
      return `${path} ${request} returned ${outcome} ${code} ${detail}, but wrote ${made.length} events: ${kinds}`
    },
  )
  return verdict
}

/** Checks that no event of a job has the id of a request that rejected the finish of this job. */
export function checkRejectedItems({ entries, histories }: Evidence): Verdict {
  const rejected = only(entries, 'finished').filter(({ ok }) => !ok)
  return judge('a rejected finish changed nothing', rejected, ({ job, request, outcome }) => {
    const made = (histories.get(job) ?? []).filter(({ request_id }) => request_id === request)
    return made.length === 0 ? undefined : `job ${job}: ${request} returned ${outcome}, but wrote event ${made[0]?.id}`
  })
}
