import { only } from '../journal.ts'
import type { Evidence } from './evidence.ts'
import { judge, type Verdict } from './verdict.ts'

/** Refusals that the run provokes; every other is a mistake. */
const expected: Record<string, readonly string[]> = {
  '/api/v1/jobs': ['invalid_request'],
  '/api/v1/jobs/batch': ['invalid_request'],
  '/api/v1/jobs/:id/complete': ['lease_lost', 'conflict', 'not_found'],
  '/api/v1/jobs/:id/fail': ['lease_lost', 'conflict', 'not_found'],
  '/api/v1/jobs/:id/release': ['lease_lost', 'conflict', 'not_found'],
  '/api/v1/jobs/:id/renew': ['lease_lost', 'not_found'],
  '/api/v1/jobs/:id/cancel': ['conflict', 'not_found'],
  '/api/v1/jobs/ttl/sweep': ['limit_exceeded', 'conflict'],
  '/api/v1/jobs/integrity/sweep': ['conflict'],
  '/api/v1/jobs/prune': ['limit_exceeded', 'conflict'],
  '/api/v1/jobs/batch/requeue_quarantined': ['limit_exceeded', 'conflict'],
}

/** May be answered to any call while connections to the database are cut. */
const always = ['database_unavailable', 'database_busy', 'outcome_unknown']

export const checkAnswers = ({ entries, outages }: Evidence): Verdict =>
  judge(
    'calls are answered as they should',
    only(entries, 'call'),
    ({ path, server, began, ended, outcome, ...call }) => {
      const about = `${path} ${call.request}: ${outcome} ${call.code ?? ''} ${call.detail ?? ''}`
      if (outcome === 'hung up') return undefined
      if (outcome === 'broken') {
        const away = outages.some((outage) => outage.server === server && began <= outage.to && ended >= outage.from)
        return away ? undefined : `${about}, from a server that was not killed`
      }
      if (outcome < 300) return undefined
      const allowed = outcome === 503 ? always : (expected[path] ?? [])
      return allowed.includes(call.code ?? '') ? undefined : about
    },
  )

/** After the last cut the database is there for everybody. */
export const checkQuiet = ({ entries }: Evidence, quietSince: number): Verdict =>
  judge(
    'no call fails once the trouble is over',
    only(entries, 'call').filter(({ began }) => began > quietSince),
    ({ path, outcome, request, detail }) =>
      outcome === 503 || outcome === 'broken' ? `${path} ${request}: ${outcome} ${detail ?? ''}` : undefined,
  )
