import { readMissingIndexes } from '../database/migrate/missing-indexes.ts'
import { endAgentSession } from './access/agent-session.ts'
import { listAgents } from './access/agents.ts'
import { showCaller } from './access/caller.ts'
import { blockCaller, callerNames, listCallers, unblockCaller } from './access/callers.ts'
import { endSession } from './access/sessions.ts'
import {
  listTokens,
  makeToken,
  resumeToken,
  revokeToken,
  rotateToken,
  setTokenLimits,
  setTokenRole,
  setTokenScope,
  showToken,
  suspendToken,
} from './access/tokens.ts'
import { checkCounts } from './doctor/check-counts.ts'
import { idleIndexes } from './doctor/idle-indexes.ts'
import { storage } from './doctor/storage.ts'
import { showEngine } from './engine/engine.ts'
import { explainJob } from './explain/job.ts'
import { explainQueue } from './explain/queue.ts'
import type { Handlers, MinimalHandlers } from './handlers.ts'
import { history } from './history/history.ts'
import { addMark, listMarks } from './history/marks.ts'
import { addAttachment, listAttachments } from './jobs/attachments.ts'
import { jobByKey } from './jobs/by-key.ts'
import { clusterTimes } from './jobs/cluster-times.ts'
import { failureClusters } from './jobs/clusters.ts'
import { listJobs } from './jobs/list.ts'
import { showJob } from './jobs/show.ts'
import { namingJobs, namingOwnJob, withListedIds } from './known-ids.ts'
import { reviewOperation, setApproval, showApproval } from './plans/approval.ts'
import { approvePlan, rejectPlan } from './plans/decide.ts'
import { previewPlan, proposePlan } from './plans/propose.ts'
import { listPlans, showPlan } from './plans/read.ts'
import { applyPolicy } from './policy/apply-policy.ts'
import { showPolicy } from './policy/read-policy.ts'
import { simulatePolicy } from './policy/simulate-policy.ts'
import { controlQueue } from './queues/control.ts'
import { fleet } from './queues/fleet.ts'
import { overview } from './queues/overview/overview.ts'
import { queueMinutes } from './queues/overview/queue-minutes.ts'
import { statsOfCall } from './queues/past-stats.ts'
import { listQueues, queueStatus } from './queues/queues.ts'
import { scale } from './queues/scale.ts'
import { listSlaBreaches } from './queues/sla-breaches.ts'
import { deleteSlaPolicy, listSlaPolicies, setSlaPolicy } from './queues/sla-policies.ts'
import { staleQueues } from './queues/stale.ts'
import { throttleQueue } from './queues/throttle.ts'
import { listWorkers } from './queues/workers.ts'
import { addHold } from './records/add-hold.ts'
import { archiveMeta, listArchive } from './records/archive.ts'
import { listConflicts } from './records/conflicts.ts'
import { followOperation, stopOperation } from './records/course.ts'
import { listEventCursors, moveEventCursor, removeEventCursor } from './records/event-cursors.ts'
import { events } from './records/events.ts'
import { exportOperations } from './records/export.ts'
import { listHolds, removeHold } from './records/holds.ts'
import { keepOperation } from './records/keep.ts'
import { getOperation, listOperations, verifyOperations } from './records/records.ts'
import { acquire, acquireMinimally } from './work/acquire.ts'
import { cancelJob } from './work/cancel.ts'
import { cancelRequests } from './work/cancel-requests.ts'
import { enqueueJob, enqueueJobs, enqueueMinimally } from './work/enqueue.ts'
import { completeJob, failJob, finishJobs, finishMinimally, releaseJob } from './work/finish.ts'
import { leasedJob } from './work/leased.ts'
import { renewJob, renewJobs } from './work/renew.ts'

/** The handler of each endpoint that makes no change of many jobs (`changes/all.ts`); one that is missing does not compile. */
export const handlers: Handlers = {
  stats: statsOfCall,
  overview,
  queueMinutes,
  fleet,
  proposePlan,
  previewPlan,
  listPlans,
  showPlan,
  approvePlan,
  rejectPlan,
  showApproval,
  setApproval,
  reviewOperation,
  verifyOperations,
  exportOperations,
  listOperations,
  getOperation,
  stopOperation,
  keepOperation,
  addHold: namingJobs(addHold),
  listHolds,
  removeHold,
  listConflicts,
  followOperation,
  archiveMeta: namingJobs(archiveMeta),
  listArchive,
  storage,
  checkCounts,
  idleIndexes,
  missingIndexes: ({ sql }) => readMissingIndexes(sql),
  listJobs: async (call, filter) => listJobs(call, await withListedIds(call, filter)),
  failureClusters,
  clusterTimes,
  jobByKey,
  showJob: namingJobs(showJob),
  explainJob: namingJobs(explainJob),
  explainQueue,
  listWorkers,
  history,
  addMark,
  listMarks,
  listAttachments: namingJobs(listAttachments),
  addAttachment: namingOwnJob(addAttachment),
  enqueue: enqueueJob,
  enqueueBatch: enqueueJobs,
  acquire,
  leasedJob: namingOwnJob(leasedJob),
  cancelRequests,
  renew: namingOwnJob(renewJob),
  renewMany: renewJobs,
  complete: namingOwnJob(completeJob),
  fail: namingOwnJob(failJob),
  release: namingOwnJob(releaseJob),
  finishMany: finishJobs,
  cancel: namingOwnJob(cancelJob),
  showPolicy,
  applyPolicy,
  simulatePolicy,
  controlQueue,
  throttleQueue,
  queueStatus,
  stoppedQueues: listQueues,
  staleQueues,
  scale,
  setSlaPolicy,
  deleteSlaPolicy,
  listSlaPolicies,
  listSlaBreaches,
  events,
  listEventCursors,
  moveEventCursor,
  removeEventCursor,
  showEngine,
  showCaller,
  endSession,
  endAgentSession,
  listAgents,
  listCallers,
  callerNames,
  blockCaller,
  unblockCaller,
  makeToken,
  listTokens,
  showToken,
  setTokenRole,
  setTokenScope,
  setTokenLimits,
  suspendToken,
  resumeToken,
  revokeToken,
  rotateToken,
}

/** The handlers of calls with `Prefer: return=minimal`. */
export const minimalHandlers: MinimalHandlers = {
  enqueue: (call, job) => enqueueMinimally(call, [job]),
  enqueueBatch: (call, { jobs }) => enqueueMinimally(call, jobs),
  acquire: acquireMinimally,
  finishMany: finishMinimally,
}
