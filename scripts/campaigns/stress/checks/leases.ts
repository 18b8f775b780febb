import { judge, type Verdict } from '../../verdict.ts'
import { only } from '../journal.ts'
import type { EventRow, Evidence } from './evidence.ts'
import { describeHistory } from './histories.ts'

const keyOf = (job: number | null, request: string | null) => `${job} ${request}`

/** Checks that each finish with an event came from the request that held the lease at that time. */
export function checkOwnLease({ entries, histories }: Evidence): Verdict {
  const requestOf = new Map(only(entries, 'leased').map(({ job, lease, request }) => [`${job} ${lease}`, request]))
  const sent = new Map(only(entries, 'finish-sent').map((entry) => [keyOf(entry.job, entry.request), entry]))
  const ends = [...histories.values()].flatMap((history) =>
    history.flatMap((event, at) => {
      const finish = sent.get(keyOf(event.job_id, event.request_id))
      return finish ? [{ event, finish, history, holder: holderBefore(history, at) }] : []
    }),
  )
  return judge('only the lease owner finishes an attempt', ends, ({ event, finish, holder, history }) => {
    const request = requestOf.get(`${finish.job} ${finish.lease}`)
    if (request !== undefined && request === holder?.request_id) return undefined
    return `job ${finish.job}: event ${event.id} ended the lease of ${holder?.request_id}, not of ${request}: ${describeHistory(history)}`
  })
}

const holderBefore = (history: readonly EventRow[], at: number) =>
  history.slice(0, at).findLast(({ event_type }) => event_type === 'job.acquired')

/** Checks that no lease expires before the time that acquire or renew returned. */
export function checkLeaseTimes({ entries, histories }: Evidence): Verdict {
  const until = new Map<string, number>()
  const leases = new Map<string, string>()
  for (const { job, lease, request } of only(entries, 'leased')) leases.set(keyOf(job, request), `${job} ${lease}`)
  for (const entry of [...only(entries, 'leased'), ...only(entries, 'renewed')]) {
    const key = `${entry.job} ${entry.lease}`
    until.set(key, Math.max(until.get(key) ?? 0, microseconds(entry.until)))
  }
  const expiries = [...histories.values()].flatMap((history) =>
    history.flatMap((event, at) => {
      const expired = event.event_type === 'job.lease_expired' || event.error_code === 'lease_expired'
      const key = expired ? leases.get(keyOf(event.job_id, holderBefore(history, at)?.request_id ?? null)) : undefined
      return key === undefined ? [] : [{ event, history, promised: until.get(key) ?? 0 }]
    }),
  )
  return judge('no lease expires before its time', expiries, ({ event, history, promised }) =>
    event.at >= promised
      ? undefined
      : `job ${event.job_id}: event ${event.id} is ${promised - event.at} µs too early: ${describeHistory(history)}`,
  )
}

/** Converts an ISO 8601 time to microseconds since 1970. Date has only milliseconds. */
function microseconds(time: string): number {
  const fraction = /\.(\d+)Z$/.exec(time)?.[1] ?? ''
  return Date.parse(time.replace(/\.\d+/, '')) * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6))
}
