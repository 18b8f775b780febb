import { type JobsctlOptions, runJobsctl } from '../programs/jobsctl.ts'
import { type FakeRequest, type FakeServer, fakeServer, jobsAnswer, type Reply } from './fake-server.ts'

/** Whether a request is a change that was confirmed. */
export const isChange = ({ headers }: FakeRequest): boolean => headers['x-confirm'] !== undefined

/** The changes that were requested of a server. */
export const changesOf = ({ requests }: FakeServer): FakeRequest[] => requests.filter(isChange)

/** A line of progress. */
export const progress = (affected: number, total: number | null = 200, operation_id = 17) => ({
  progress: { operation_id, affected, total, batches: 1, elapsed_ms: 10 },
})

/** A record as the server answers it. */
export const recordOf = (more: object = {}) => ({
  ...{ id: 17, kind: 'prune', state: 'done', domain: 'chatbooks', queue: null, job_type: null },
  ...{ filters: { older_than_days: 30 }, as_of: '2026-11-24T12:00:00.000000Z', caller: 'api_key', reason: 'nightly' },
  ...{ request_id: 'r-1', idempotency_key: null, previewed: 200, affected: 200, skipped: 0, skipped_locked: 0 },
  ...{ batches: 2, counts: { deleted: 200 }, error: null, started_at: '2026-11-24T12:00:00Z' },
  ...{ ended_at: '2026-11-24T12:00:09Z', undoes: null, undone_by: null, hash: 'abc', now: { gone: 200 } },
  ...more,
})

/** A server of ours that previews 200 jobs; a test says how it answers a change, and a look at the record. */
export const changeServer = (
  change: (request: FakeRequest, nth: number) => Reply,
  record: () => Reply = () => ({ body: recordOf() }),
): Promise<FakeServer> => {
  let changes = 0
  return fakeServer((request) => {
    if (request.path.startsWith('/api/v1/jobs/operations/') && request.method === 'GET') return record()
    if (request.path.startsWith('/api/v1/jobs/stats')) return { body: [] }
    if (!isChange(request)) return jobsAnswer(200, { conflict_count: 0, conflicts: [] })
    changes += 1
    return change(request, changes)
  })
}

export const envOf = ({ url }: FakeServer) => ({ JOBSCTL_URL: url, JOBSCTL_API_KEY: 'key' })

/** Runs jobsctl at a server. */
export const runAt = (server: FakeServer, argv: string[], options: JobsctlOptions = {}) =>
  runJobsctl(argv, { ...options, env: { ...envOf(server), ...options.env } })
