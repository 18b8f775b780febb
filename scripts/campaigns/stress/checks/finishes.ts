import { judge, type Verdict } from '../../verdict.ts'
import { type Entry, only } from '../journal.ts'
import type { Evidence } from './evidence.ts'
import { grouped } from './grouped.ts'
import { describeHistory } from './histories.ts'

type Finished = Extract<Entry, { kind: 'finished' }>

const acknowledged = (entries: readonly Entry[]): Finished[] => only(entries, 'finished').filter(({ ok }) => ok)

/** Checks that a job with an acknowledged completion is completed, by that attempt. */
export function checkCompletions({ entries, jobs, histories }: Evidence): Verdict {
  const completions = acknowledged(entries).filter(({ action }) => action === 'complete')
  return judge('the row of a job shows its acknowledged completion', completions, ({ job, lease, token, outcome }) => {
    if (outcome !== 'completed') return `job ${job}: its completion returned ${outcome}`
    const row = jobs.get(job)
    const history = histories.get(job) ?? []
    const ends = history.filter(({ event_type }) => event_type === 'job.completed')
    if (ends.length !== 1) return `job ${job} has ${ends.length} completions: ${describeHistory(history)}`
    if (!row) return undefined // the job was pruned, which checkPruned checks
    // When the SQL worker kept a lease, the integrity sweep has cleared `lease_id`.
    const holder = history.some(({ foreign }) => foreign) ? (row.lease_id ?? lease) : row.lease_id
    const shown = [row.status, holder, row.completion_token, row.result_lease, row.result_token]
    const expected = ['completed', lease, token ?? null, lease, token ?? null]
    return shown.every((value, at) => value === expected[at])
      ? undefined
      : `job ${job} shows ${shown}, not ${expected}: ${describeHistory(history)}`
  })
}

/** Checks that all acknowledged finishes of one lease have the same action and token. */
export function checkOneEnd({ entries }: Evidence): Verdict {
  const ends = grouped(acknowledged(entries), ({ job, lease }) => `${job} ${lease}`)
  return judge('one lease has one acknowledged finish', ends, ([key, acks]) => {
    const finishes = new Set(acks.map(({ action, token }) => `${action} ${token}`))
    return finishes.size === 1 ? undefined : `job and lease ${key}: acknowledged ${[...finishes].join(' and ')}`
  })
}

/** Checks that an acknowledged finish has exactly one event, of one of the requests that sent this finish. */
export function checkOneEvent({ entries, histories }: Evidence): Verdict {
  const key = ({ job, lease, action, token }: Omit<Finished, 'kind' | 'ok' | 'outcome' | 'request'>) =>
    `${job} ${lease} ${action} ${token}`
  const sent = grouped(only(entries, 'finish-sent'), key)
  const ends = grouped(acknowledged(entries), key)
  return judge('an acknowledged finish has one event', ends, ([end, [first]]) => {
    const requests = new Set(sent.get(end)?.map(({ request }) => request))
    const history = histories.get(first?.job ?? 0) ?? []
    const made = history.filter(({ request_id }) => request_id !== null && requests.has(request_id))
    return made.length === 1 ? undefined : `${end} has ${made.length} events: ${describeHistory(history)}`
  })
}
