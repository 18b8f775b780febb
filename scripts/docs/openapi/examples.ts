import type { EndpointName } from '../../../shared/endpoint-names.ts'

/** What a call sends and gets, for readers and for tools that answer in place of a server. */
interface Example {
  request: unknown
  response?: unknown
}

const lease = { worker_id: 'printer-1', lease_id: '1f6e2c1a-90d3-4a53-9d33-5b1c8ad3a6f0' }
const finish = { ...lease, completion_token: lease.lease_id }
const finished = { id: 8123, status: 'completed', retry_count: 0, available_at: null }
const letter = { domain: 'letters', job_type: 'print', payload: { page: 1 } }

/** Examples of the calls that applications and workers make most. A test compares each with its schema. */
export const examples: { readonly [Name in EndpointName]?: Example } = {
  enqueue: { request: { ...letter, idempotency_key: 'letter-1', max_retries: 12 } },
  enqueueBatch: { request: { jobs: [letter, { ...letter, payload: { page: 2 } }] } },
  acquire: {
    request: { domain: 'letters', worker_id: lease.worker_id, limit: 10, job_types: ['print'], wait_seconds: 30 },
  },
  renew: {
    request: { ...lease, progress_percent: 50, progress_message: 'page 1 of 2' },
    response: { id: 8123, leased_until: '2026-01-31T12:01:00.000Z', cancel_requested: false },
  },
  complete: { request: { ...finish, result: { printed: 1 } }, response: finished },
  fail: {
    request: { ...finish, error: 'the printer does not answer', error_class: 'TimeoutError', backoff_seconds: 5 },
    response: { ...finished, status: 'queued', retry_count: 1, available_at: '2026-01-31T12:00:06.120Z' },
  },
  release: { request: { ...finish, delay_seconds: 600 }, response: { ...finished, status: 'queued' } },
  finishMany: {
    request: { jobs: [{ ...finish, id: 8123, action: 'complete', result: { printed: 1 } }] },
    response: { results: [{ ok: true, ...finished }] },
  },
  cancel: {
    request: { reason: 'the order was withdrawn' },
    response: { id: 8123, status: 'processing', cancel_requested: true },
  },
  cancelRequests: {
    request: { worker_id: lease.worker_id, known: [8123], wait_seconds: 30 },
    response: { ids: [8140] },
  },
  prune: {
    request: { domain: 'letters', older_than_days: 90, dry_run: true, detail_top_k: 1 },
    response: {
      deleted: 8,
      groups: [{ domain: 'letters', queue: 'default', job_type: 'print', status: 'completed', count: 8 }],
    },
  },
}
