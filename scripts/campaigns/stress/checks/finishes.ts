import { type Entry, only } from '../journal.ts'
import type { Evidence } from './evidence.ts'
import { grouped } from './grouped.ts'
import { told } from './histories.ts'
import { judge, type Verdict } from './verdict.ts'

type Finished = Extract<Entry, { kind: 'finished' }>

const acknowledged = (entries: readonly Entry[]): Finished[] => only(entries, 'finished').filter(({ ok }) => ok)

/** A job whose completion was acknowledged is completed, by that attempt and no other. */
export function checkCompletions({ entries, jobs, histories }: Evidence): Verdict {
  const completions = acknowledged(entries).filter(({ action }) => action === 'complete')
  return judge('an acknowledged completion is what the job shows', completions, ({ job, lease, token, said }) => {
    if (said !== 'completed') return `job ${job}: its completion was answered ${said}`
    const row = jobs.get(job)
    const history = histories.get(job) ?? []
    const ends = history.filter(({ event_type }) => event_type === 'job.completed')
    if (ends.length !== 1) return `job ${job}: ${ends.length} completions: ${told(history)}`
    if (!row) return undefined // pruned; whether it may be is judged with the prunes
    // Where the other program left a lease behind, the integrity sweep has cleared whose it was.
    const holder = history.some(({ foreign }) => foreign) ? (row.lease_id ?? lease) : row.lease_id
    const shown = [row.status, holder, row.completion_token, row.result_lease, row.result_token]
    const right = ['completed', lease, token ?? null, lease, token ?? null]
    return shown.every((value, at) => value === right[at])
      ? undefined
      : `job ${job} shows ${shown}, not ${right}: ${told(history)}`
  })
}

/** Of all that was said about one lease, one thing counts. */
export function checkOneEnd({ entries }: Evidence): Verdict {
  const ends = grouped(acknowledged(entries), ({ job, lease }) => `${job} ${lease}`)
  return judge('one lease has one end', ends, ([key, acks]) => {
    const said = new Set(acks.map(({ action, token }) => `${action} ${token}`))
    return said.size === 1 ? undefined : `job and lease ${key}: acknowledged ${[...said].join(' and ')}`
  })
}

/** An acknowledged end was made by one of the requests that asked for it, once. */
export function checkOneEvent({ entries, histories }: Evidence): Verdict {
  const key = ({ job, lease, action, token }: Omit<Finished, 'kind' | 'ok' | 'said' | 'request'>) =>
    `${job} ${lease} ${action} ${token}`
  const asked = grouped(only(entries, 'asked'), key)
  const ends = grouped(acknowledged(entries), key)
  return judge('an acknowledged end has one event', ends, ([end, [first]]) => {
    const requests = new Set(asked.get(end)?.map(({ request }) => request))
    const history = histories.get(first?.job ?? 0) ?? []
    const made = history.filter(({ request_id }) => request_id !== null && requests.has(request_id))
    return made.length === 1 ? undefined : `${end}: ${made.length} events: ${told(history)}`
  })
}
