import { paths } from '../world.ts'
import { type FakeServer, fakeServer, type Reply } from './fake-server.ts'

/** What the other program keeps: how many jobs each of its calls would touch. */
export interface OtherJobs {
  prunable: number
  overdue: number
  quarantined: number
  leased: number
  expired: number
}

interface Body {
  dry_run?: boolean
  fix?: boolean
  detail_top_k?: number
}

const known: Record<string, readonly string[]> = {
  [paths.prune]: ['statuses', 'older_than_days', 'domain', 'queue', 'job_type', 'dry_run', 'detail_top_k'],
  [paths.sweep]: ['age_seconds', 'runtime_seconds', 'action', 'domain', 'queue', 'job_type', 'dry_run'],
  [paths.requeue]: ['domain', 'queue', 'job_type', 'job_id', 'dry_run'],
  [paths.integrity]: ['fix', 'domain', 'queue', 'job_type'],
}

/**
 * The other program on the same tables: plain `{"detail": …}` errors, fields of its own in its
 * answers, no bound, no reference time, and a sweep that knows no preview. What it does not know
 * in a body, it drops without a word.
 */
export function otherServer(jobs: OtherJobs, key = 'key'): Promise<FakeServer> {
  const unconfirmed: Reply = { status: 400, body: { detail: 'Confirmation required. Set X-Confirm: true' } }

  const take = (name: keyof OtherJobs): number => {
    const count = jobs[name]
    jobs[name] = 0
    return count
  }
  const calls: Record<string, (body: Body, confirmed: boolean) => Reply> = {
    [paths.prune]: ({ dry_run }, confirmed) => {
      if (dry_run) return { body: { deleted: jobs.prunable, backend: 'pg' } }
      return confirmed ? { body: { deleted: take('prunable'), backend: 'pg' } } : unconfirmed
    },
    [paths.sweep]: (_body, confirmed) =>
      confirmed ? { body: { affected: take('overdue'), took_ms: 3 } } : unconfirmed,
    [paths.requeue]: ({ dry_run }, confirmed) => {
      if (dry_run) return { body: { affected: jobs.quarantined, dry_run: true } }
      return confirmed ? { body: { affected: take('quarantined'), dry_run: false } } : unconfirmed
    },
    [paths.integrity]: ({ fix }) => {
      const { leased, expired } = jobs
      const found = { non_processing_with_lease: leased, processing_expired: expired, checked_at: 'now' }
      return { body: { ...found, fixed: fix ? take('leased') + take('expired') : 0 } }
    },
  }

  return fakeServer(({ method, path, headers, body }) => {
    if (headers['x-api-key'] !== key) return { status: 401, body: { detail: 'Could not validate credentials' } }
    const [name = '', query = ''] = path.split('?')
    if (method === 'GET' && name === paths.stats) return { body: statsOf(jobs, new URLSearchParams(query)) }
    const call = calls[name]
    if (method !== 'POST' || !call) return { status: 404, body: { detail: 'Not Found' } }
    if (typeof body !== 'object' || body === null) return { status: 500, body: 'Internal Server Error' }
    const fields = Object.entries(body).filter(([field]) => known[name]?.includes(field))
    return call(Object.fromEntries(fields), headers['x-confirm'] === 'true')
  })
}

function statsOf({ quarantined }: OtherJobs, query: URLSearchParams): object[] {
  const domain = query.get('domain')
  const row = { queue: 'default', job_type: 'export', queued: 4, scheduled: 1, processing: 2, quarantined }
  return domain && domain !== 'chatbooks' ? [] : [{ domain: 'chatbooks', ...row, oldest_age_seconds: 17 }]
}
