import { acquire } from '../../../../shared/endpoints.ts'
import { only } from '../journal.ts'
import type { Evidence } from './evidence.ts'
import { grouped } from './grouped.ts'
import { judge, type Verdict } from './verdict.ts'

/** What was refused changed nothing: no event bears the id of a refused request. */
export function checkRefused({ entries, events }: Evidence): Verdict {
  const refused = new Map(
    only(entries, 'call')
      .filter(({ outcome, code }) => typeof outcome === 'number' && outcome >= 400 && code !== 'outcome_unknown')
      .map((call) => [call.request, call]),
  )
  const done = grouped(
    events.filter(({ request_id }) => request_id !== null && refused.has(request_id)),
    ({ request_id }) => request_id,
  )
  const verdict = judge(
    'what was refused changed nothing',
    refused.values(),
    ({ request, path, outcome, code, detail }) => {
      // Before it leases, it takes back what has run out: that stays whatever becomes of the lease.
      const made = done
        .get(request)
        ?.filter((event) => path !== acquire.path || ['job.acquired', 'job.completed'].includes(event.event_type))
      if (!made || made.length === 0) return undefined
      const kinds = [...new Set(made.map(({ event_type }) => event_type))]
      return `${path} ${request} was answered ${outcome} ${code} ${detail}, yet made ${made.length} events: ${kinds}`
    },
  )
  return verdict
}

/** The same for each job of a call about many. */
export function checkRefusedItems({ entries, histories }: Evidence): Verdict {
  const refused = only(entries, 'finished').filter(({ ok }) => !ok)
  return judge('a finish that was refused changed nothing', refused, ({ job, request, said }) => {
    const made = (histories.get(job) ?? []).filter(({ request_id }) => request_id === request)
    return made.length === 0 ? undefined : `job ${job}: ${request} was answered ${said}, yet made event ${made[0]?.id}`
  })
}
