import type { LeasedJob } from '../wire/types.ts'
import type { JobContext } from '../work/handler.ts'

export interface TestContextOptions {
  /** Columns of the job that the handler reads, such as `retry_count`. */
  job?: Partial<LeasedJob> | undefined
  /** In place of a signal that never aborts. */
  signal?: AbortSignal | undefined
}

/** What a handler gets, and what it has reported. */
export interface TestContext<Payload> extends JobContext<Payload> {
  /** Each call of `progress`. */
  readonly reported: readonly { percent: number; message: string | undefined }[]
}

/** Makes what a handler gets, for a test that calls the handler and needs no server: `await handler(testContext({ page: 1 }))`. */
export function testContext<Payload>(
  payload: Payload,
  { job, signal = new AbortController().signal }: TestContextOptions = {},
): TestContext<Payload> {
  const reported: { percent: number; message: string | undefined }[] = []
  return {
    payload,
    job: { ...jobOfTest(), payload, ...job },
    signal,
    progress: (percent, message) => void reported.push({ percent, message }),
    reported,
  }
}

/** A job in its first attempt. */
function jobOfTest(): LeasedJob {
  const now = new Date().toISOString()
  return {
    ...{ id: 1, uuid: '01890000-0000-7000-8000-000000000001', domain: 'test', queue: 'default', job_type: 'test' },
    ...{ owner_user_id: null, project_id: null, batch_group: null, idempotency_key: null, payload: {}, result: null },
    ...{ status: 'processing', priority: 5, max_retries: 3, retry_count: 0, available_at: null, started_at: now },
    ...{ acquired_at: now, leased_until: new Date(Date.now() + 60_000).toISOString(), lease_id: 'lease-of-the-test' },
    ...{ worker_id: 'test', error_message: null, error_code: null, error_class: null, last_error: null },
    ...{ error_stack: null, cancel_requested_at: null, cancelled_at: null, cancellation_reason: null },
    ...{ failure_streak_code: null, failure_streak_count: null, quarantined_at: null, progress_percent: null },
    ...{ progress_message: null, request_id: null, trace_id: null, traceparent: null, failure_timeline: null },
    ...{ created_at: now, updated_at: now, completed_at: null },
  }
}
