/** All endpoints of the API. */

export { showCaller } from './access/caller.ts'
export { blockCaller, listCallers, unblockCaller } from './access/callers.ts'
export { endSession, openSession, showSession } from './access/session.ts'
export {
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
export { cancelBatch } from './changes/cancel-batch.ts'
export { edit } from './changes/edit.ts'
export { erase } from './changes/erase.ts'
export { integrity } from './changes/integrity.ts'
export { setPriority } from './changes/priority.ts'
export { prune } from './changes/prune.ts'
export { reclaim } from './changes/reclaim.ts'
export { redrive } from './changes/redrive.ts'
export { requeue } from './changes/requeue.ts'
export { reschedule, rescheduleShift } from './changes/reschedule.ts'
export { retry } from './changes/retry.ts'
export { sweep } from './changes/sweep.ts'
export { undo } from './changes/undo.ts'
export { checkCounts } from './doctor/counts.ts'
export { idleIndexes } from './doctor/idle-indexes.ts'
export { missingIndexes } from './doctor/missing-indexes.ts'
export { storage } from './doctor/storage.ts'
export { showEngine } from './engine/engine.ts'
export { explainJob } from './explain/job.ts'
export { explainQueue } from './explain/queue.ts'
export { history } from './history/history.ts'
export { addMark, listMarks } from './history/marks.ts'
export { addAttachment, listAttachments } from './jobs/attachments.ts'
export { jobByKey } from './jobs/by-key.ts'
export { failureClusters } from './jobs/clusters.ts'
export { listJobs } from './jobs/list.ts'
export { showJob } from './jobs/show.ts'
export { reviewOperation, setApproval, showApproval } from './plans/approval.ts'
export { applyPlan, approvePlan, listPlans, proposePlan, rejectPlan, showPlan } from './plans/plans.ts'
export { applyPolicy, showPolicy } from './policy/policy.ts'
export { controlQueue, queueStatus, stoppedQueues } from './queues/queues.ts'
export { deleteSlaPolicy, listSlaBreaches, listSlaPolicies, setSlaPolicy } from './queues/sla.ts'
export { staleQueues } from './queues/stale.ts'
export { stats } from './queues/stats.ts'
export { statsStream } from './queues/stats-stream.ts'
export { throttleQueue } from './queues/throttle.ts'
export { listWorkers } from './queues/workers.ts'
export { archiveMeta, listArchive } from './records/archive.ts'
export { listConflicts } from './records/conflicts.ts'
export { followOperation, stopOperation } from './records/course.ts'
export { listEventCursors, moveEventCursor, removeEventCursor } from './records/event-cursors.ts'
export { eventStream, events } from './records/events.ts'
export { exportOperations } from './records/export.ts'
export { addHold, listHolds, removeHold } from './records/holds.ts'
export { keepOperation } from './records/keep.ts'
export { getOperation, listOperations, verifyOperations } from './records/records.ts'
export { acquire } from './work/acquire.ts'
export { cancel } from './work/cancel.ts'
export { enqueue, enqueueBatch } from './work/enqueue.ts'
export { complete, fail, finishMany, release } from './work/finish.ts'
export { leasedJob } from './work/leased.ts'
export { renew, renewMany } from './work/renew.ts'
