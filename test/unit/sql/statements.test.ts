import { expect, it } from 'vitest'
import type { Call } from '../../../server/call.ts'
import { findDependencies } from '../../../server/endpoints/explain/dependencies.ts'
import { readLine } from '../../../server/endpoints/explain/line.ts'
import { positionInLine } from '../../../server/endpoints/explain/position-in-line.ts'
import { findStop } from '../../../server/endpoints/explain/queue-stop.ts'
import { findSilence } from '../../../server/endpoints/explain/worker-signs.ts'
import { readOldestReady } from '../../../server/endpoints/metrics/oldest-ready.ts'
import { controlQueue } from '../../../server/endpoints/queues/control.ts'
import { oldestDue } from '../../../server/endpoints/queues/oldest-due.ts'
import { readQueueCounts } from '../../../server/endpoints/queues/overview/queue-counts.ts'
import { stats, statsFromJobs, statsWithOldest } from '../../../server/endpoints/queues/stats.ts'
import { flows } from '../../../server/endpoints/queues/stats-flow.ts'
import { readWorkers } from '../../../server/endpoints/queues/workers.ts'
import { acquire } from '../../../server/endpoints/work/acquire.ts'
import { cancelJob } from '../../../server/endpoints/work/cancel.ts'
import { enqueueJob, enqueueJobs, enqueueMinimally } from '../../../server/endpoints/work/enqueue.ts'
import { completeJob, failJob, releaseJob } from '../../../server/endpoints/work/finish.ts'
import { renewJobs } from '../../../server/endpoints/work/renew.ts'
import { attemptOfJob, wholeJob } from '../../../server/lifecycle/job-row.ts'
import { reclaim } from '../../../server/lifecycle/lease/expired-leases.ts'
import { leaseJobs } from '../../../server/lifecycle/lease/lease.ts'
import { ControlRequest } from '../../../shared/queues/queues.ts'
import { AcquireRequest } from '../../../shared/work/acquire.ts'
import { NewJob } from '../../../shared/work/enqueue.ts'
import { callWith } from '../../support/sql/call-with.ts'
import { statementsOf } from '../../support/sql/sql-text.ts'

const scope = { domain: 'chatbooks', queue: 'default' }
const narrowed = { ...scope, within: undefined }
const lease = { id: 1, worker_id: 'worker', lease_id: 'lease', completion_token: 'token' }
const failure = {
  error: 'it broke',
  error_code: 'broken',
  error_class: undefined,
  error_stack: undefined,
  retryable: true,
  backoff_seconds: 1,
}
const newJob = NewJob.parse({
  ...scope,
  job_type: 'export',
  payload: {},
  idempotency_key: 'key',
  depends_on: ['needed'],
})
/** Without a key and dependencies, so that other calls may share its statement. */
const aloneJob = NewJob.parse({ ...scope, job_type: 'export', payload: {} })
const acquireRequest = AcquireRequest.parse({ ...scope, worker_id: 'worker', limit: 3, job_types: ['export'] })
const waitingGroup = { ...scope, job_type: 'export', queued: 1, scheduled: 0, processing: 0, quarantined: 0 }
const position = { seen: '10:20:10,14', newest: 20, floor: 15 }
const statsScope = { ...scope, job_type: undefined }

/** The name of a snapshot, the call that sends the statement, and the index of the statement among those of the call. */
it.each<[name: string, at: number, run: (call: Call) => Promise<unknown>]>([
  ['work/lease', 0, (call) => leaseJobs(call, acquireRequest, wholeJob)],
  ['work/lease-minimal', 0, (call) => leaseJobs(call, acquireRequest, attemptOfJob)],
  ['work/shared-insert', 0, (call) => enqueueJob(call, aloneJob)],
  ['work/shared-lease', 0, (call) => acquire(call, { ...acquireRequest, limit: 1 })],
  ['work/shared-complete', 0, (call) => completeJob(call, { ...lease, result: {} })],
  ['work/settle-completed', 1, (call) => completeJob(call, { ...lease, result: {} })],
  ['work/settle', 0, (call) => failJob(call, { ...lease, ...failure })],
  ['work/settle', 0, (call) => releaseJob(call, lease)],
  [
    'work/settle-expire',
    0,
    (call) => reclaim(call.sql, call, { where: call.sql`status = 'processing'`, limit: 100, countsAttempt: true }),
  ],
  ['work/finish-explain', 2, (call) => completeJob(call, { ...lease, result: {} })],
  ['work/enqueue-cycles', 0, (call) => enqueueJob(call, newJob)],
  ['work/enqueue', 1, (call) => enqueueJob(call, newJob)],
  ['work/enqueue-existing', 2, (call) => enqueueJob(call, newJob)],
  ['work/enqueue', 1, (call) => enqueueJobs(call, { jobs: [newJob, newJob] })],
  ['work/enqueue-minimal', 1, (call) => enqueueMinimally(call, [newJob])],
  ['work/renew', 0, (call) => renewJobs(call, { jobs: [{ ...lease, lease_seconds: 60 }] })],
  ['work/cancel', 3, (call) => cancelJob(call, { id: 1, reason: 'why', force: false })],
  ['queues/control', 3, (call) => controlQueue(call, ControlRequest.parse({ ...scope, action: 'pause' }))],
  [
    'explain/place',
    0,
    (call) => positionInLine(call.sql, { ...narrowed, id: 1, tier: 5, due_at: '2026-01-02T03:04:05Z' }),
  ],
  ['explain/worker-signs', 0, (call) => findSilence(call.sql, narrowed, { job_type: 'export', owner_user_id: null })],
  ['explain/queue-stop', 0, (call) => findStop(call.sql, narrowed, call)],
  ['explain/dependencies', 0, (call) => findDependencies(call.sql, { uuid: 'uuid', within: undefined })],
  ['explain/line', 0, (call) => readLine(call.sql, narrowed)],
  ['queues/workers', 0, (call) => readWorkers(call.sql, narrowed)],
  ['queues/stats-from-counts', 0, (call) => stats(call, statsScope)],
  ['queues/stats-with-oldest', 0, (call) => statsWithOldest(call, statsScope)],
  ['queues/stats-oldest-due', 0, (call) => oldestDue(call.sql, [waitingGroup])],
  ['queues/overview-counts', 0, (call) => readQueueCounts(call, {})],
  ['queues/metrics-oldest-ready', 0, (call) => readOldestReady(call.sql, [waitingGroup])],
  ['queues/stats-events', 0, (call) => flows(call, position, { ...position, newest: 30 })],
  ['queues/stats-from-jobs', 0, (call) => statsFromJobs(call.sql, statsScope)],
])('the statement %s is as in its snapshot (statement %i of its call)', async (name, at, run) => {
  const statements = await statementsOf((sql) => run(callWith(sql)))
  expect(statements[at]).toBeDefined()
  await expect(statements[at]).toMatchFileSnapshot(`${name}.sql`)
})
