import { judge, type Verdict } from '../../verdict.ts'
import { only } from '../journal.ts'
import type { Evidence } from './evidence.ts'

/** The error codes that the campaign provokes, by path. Any other error code is a violation. */
const expected = new Map([
  ['/api/v1/jobs', ['invalid_request']],
  ['/api/v1/jobs/batch', ['invalid_request']],
  ['/api/v1/jobs/:id/complete', ['lease_lost', 'conflict', 'not_found']],
  ['/api/v1/jobs/:id/fail', ['lease_lost', 'conflict', 'not_found']],
  ['/api/v1/jobs/:id/release', ['lease_lost', 'conflict', 'not_found']],
  ['/api/v1/jobs/:id/renew', ['lease_lost', 'not_found']],
  ['/api/v1/jobs/:id/cancel', ['conflict', 'not_found']],
  ['/api/v1/jobs/ttl/sweep', ['limit_exceeded', 'conflict']],
  ['/api/v1/jobs/integrity/sweep', ['conflict']],
  ['/api/v1/jobs/prune', ['limit_exceeded', 'conflict']],
  ['/api/v1/jobs/batch/requeue_quarantined', ['limit_exceeded', 'conflict']],
])

/** The error codes that any call may get while the campaign terminates sessions. */
const transient = ['database_unavailable', 'database_busy', 'outcome_unknown']

/** The bulk changes, which stop with `partial` when a session is terminated after their first batch. */
const bulk = [
  '/api/v1/jobs/ttl/sweep',
  '/api/v1/jobs/integrity/sweep',
  '/api/v1/jobs/prune',
  '/api/v1/jobs/batch/requeue_quarantined',
]

/** Checks the status and error code of each response, and that connections break only while a server is killed. */
export const checkResponses = ({ entries, outages }: Evidence): Verdict =>
  judge(
    'each call gets a success or an expected error',
    only(entries, 'call'),
    ({ path, server, began, ended, outcome, ...call }) => {
      const description = `${path} ${call.request}: ${outcome} ${call.code ?? ''} ${call.detail ?? ''}`
      if (outcome === 'aborted') return undefined
      if (outcome === 'broken') {
        const killed = outages.some((outage) => outage.server === server && began <= outage.to && ended >= outage.from)
        return killed ? undefined : `${description}, from a server that was not killed`
      }
      if (outcome < 300) return undefined
      const allowed =
        outcome === 503 ? [...transient, ...(bulk.includes(path) ? ['partial'] : [])] : (expected.get(path) ?? [])
      return allowed.includes(call.code ?? '') ? undefined : description
    },
  )

/** Checks that no call fails after the fault injection. `steadySince` is a time in milliseconds since 1970. */
export const checkAfterFaults = ({ entries }: Evidence, steadySince: number): Verdict =>
  judge(
    'no call fails after the fault injection',
    only(entries, 'call').filter(({ began }) => began > steadySince),
    ({ path, outcome, request, detail }) =>
      outcome === 503 || outcome === 'broken' ? `${path} ${request}: ${outcome} ${detail ?? ''}` : undefined,
  )
