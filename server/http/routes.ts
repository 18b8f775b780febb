import type { Hono } from 'hono'
import * as endpoints from '../../shared/endpoints.ts'
import type { ServerContext } from '../call.ts'
import { showCaller } from '../endpoints/access/caller.ts'
import { blockCaller, listCallers, unblockCaller } from '../endpoints/access/callers.ts'
import { endSession } from '../endpoints/access/sessions.ts'
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
} from '../endpoints/access/tokens.ts'
import { cancelBatch } from '../endpoints/changes/cancel-batch.ts'
import { erase } from '../endpoints/changes/erase.ts'
import { integrity } from '../endpoints/changes/integrity.ts'
import { setPriority } from '../endpoints/changes/priority.ts'
import { prune } from '../endpoints/changes/prune.ts'
import { reclaim } from '../endpoints/changes/reclaim.ts'
import { requeue } from '../endpoints/changes/requeue.ts'
import { reschedule } from '../endpoints/changes/reschedule.ts'
import { retry } from '../endpoints/changes/retry.ts'
import { sweep } from '../endpoints/changes/sweep.ts'
import { undo } from '../endpoints/changes/undo.ts'
import { checkCounts } from '../endpoints/doctor/check-counts.ts'
import { idleIndexes } from '../endpoints/doctor/idle-indexes.ts'
import { missingIndexes } from '../endpoints/doctor/missing-indexes.ts'
import { storage } from '../endpoints/doctor/storage.ts'
import { explainJob } from '../endpoints/explain/job.ts'
import { explainQueue } from '../endpoints/explain/queue.ts'
import { history } from '../endpoints/history/history.ts'
import { addMark, listMarks } from '../endpoints/history/marks.ts'
import { addAttachment, listAttachments } from '../endpoints/jobs/attachments.ts'
import { jobByKey } from '../endpoints/jobs/by-key.ts'
import { failureClusters } from '../endpoints/jobs/clusters.ts'
import { listJobs } from '../endpoints/jobs/list.ts'
import { showJob } from '../endpoints/jobs/show.ts'
import { applyPlan } from '../endpoints/plans/apply.ts'
import { reviewOperation, setApproval, showApproval } from '../endpoints/plans/approval.ts'
import { approvePlan, rejectPlan } from '../endpoints/plans/decide.ts'
import { proposePlan } from '../endpoints/plans/propose.ts'
import { listPlans, showPlan } from '../endpoints/plans/read.ts'
import { applyPolicy } from '../endpoints/policy/apply-policy.ts'
import { showPolicy } from '../endpoints/policy/read-policy.ts'
import { controlQueue } from '../endpoints/queues/control.ts'
import { queueStatus, stoppedQueues } from '../endpoints/queues/queues.ts'
import { listSlaBreaches } from '../endpoints/queues/sla-breaches.ts'
import { deleteSlaPolicy, listSlaPolicies, setSlaPolicy } from '../endpoints/queues/sla-policies.ts'
import { staleQueues } from '../endpoints/queues/stale.ts'
import { stats } from '../endpoints/queues/stats.ts'
import { listWorkers } from '../endpoints/queues/workers.ts'
import { addHold } from '../endpoints/records/add-hold.ts'
import { archiveMeta, listArchive } from '../endpoints/records/archive.ts'
import { listConflicts } from '../endpoints/records/conflicts.ts'
import { followOperation, stopOperation } from '../endpoints/records/course.ts'
import { listEventCursors, moveEventCursor, removeEventCursor } from '../endpoints/records/event-cursors.ts'
import { events } from '../endpoints/records/events.ts'
import { exportOperations } from '../endpoints/records/export.ts'
import { listHolds, removeHold } from '../endpoints/records/holds.ts'
import { keepOperation } from '../endpoints/records/keep.ts'
import { getOperation, listOperations, verifyOperations } from '../endpoints/records/records.ts'
import { acquire, acquireMinimally } from '../endpoints/work/acquire.ts'
import { cancelJob } from '../endpoints/work/cancel.ts'
import { enqueueJob, enqueueJobs, enqueueMinimally } from '../endpoints/work/enqueue.ts'
import { completeJob, failJob, finishJobs, finishMinimally, releaseJob } from '../endpoints/work/finish.ts'
import { leasedJob } from '../endpoints/work/leased.ts'
import { renewJob, renewJobs } from '../endpoints/work/renew.ts'
import { allow } from './allow.ts'
import { mount } from './mount.ts'
import type { RequestContext } from './request/request-context.ts'
import { streamEvents } from './streams/event-stream.ts'
import { streamStats } from './streams/stats-stream.ts'

/** Mounts the whole API, one line per endpoint. */
export function mountRoutes(app: Hono<RequestContext>, serving: ServerContext): void {
  mount(app, serving, endpoints.stats, stats)
  mount(app, serving, endpoints.prune, prune)
  mount(app, serving, endpoints.sweep, sweep)
  mount(app, serving, endpoints.requeue, requeue)
  mount(app, serving, endpoints.integrity, integrity)
  mount(app, serving, endpoints.cancelBatch, cancelBatch)
  mount(app, serving, endpoints.retry, retry)
  mount(app, serving, endpoints.reclaim, reclaim)
  mount(app, serving, endpoints.reschedule, reschedule)
  mount(app, serving, endpoints.rescheduleShift, reschedule)
  mount(app, serving, endpoints.setPriority, setPriority)
  mount(app, serving, endpoints.undo, undo)
  mount(app, serving, endpoints.erase, erase)
  mount(app, serving, endpoints.proposePlan, proposePlan)
  mount(app, serving, endpoints.listPlans, listPlans)
  mount(app, serving, endpoints.showPlan, showPlan)
  mount(app, serving, endpoints.approvePlan, approvePlan)
  mount(app, serving, endpoints.rejectPlan, rejectPlan)
  mount(app, serving, endpoints.applyPlan, applyPlan)
  mount(app, serving, endpoints.showApproval, showApproval)
  mount(app, serving, endpoints.setApproval, setApproval)
  mount(app, serving, endpoints.reviewOperation, reviewOperation)
  mount(app, serving, endpoints.verifyOperations, verifyOperations)
  mount(app, serving, endpoints.exportOperations, exportOperations)
  mount(app, serving, endpoints.listOperations, listOperations)
  mount(app, serving, endpoints.getOperation, getOperation)
  mount(app, serving, endpoints.stopOperation, stopOperation)
  mount(app, serving, endpoints.keepOperation, keepOperation)
  mount(app, serving, endpoints.addHold, addHold)
  mount(app, serving, endpoints.listHolds, listHolds)
  mount(app, serving, endpoints.removeHold, removeHold)
  mount(app, serving, endpoints.listConflicts, listConflicts)
  mount(app, serving, endpoints.followOperation, followOperation)
  mount(app, serving, endpoints.archiveMeta, archiveMeta)
  mount(app, serving, endpoints.listArchive, listArchive)
  mount(app, serving, endpoints.storage, storage)
  mount(app, serving, endpoints.checkCounts, checkCounts)
  mount(app, serving, endpoints.idleIndexes, idleIndexes)
  mount(app, serving, endpoints.missingIndexes, missingIndexes)
  mount(app, serving, endpoints.listJobs, listJobs)
  mount(app, serving, endpoints.failureClusters, failureClusters)
  mount(app, serving, endpoints.jobByKey, jobByKey)
  mount(app, serving, endpoints.showJob, showJob)
  mount(app, serving, endpoints.explainJob, explainJob)
  mount(app, serving, endpoints.explainQueue, explainQueue)
  mount(app, serving, endpoints.listWorkers, listWorkers)
  mount(app, serving, endpoints.history, history)
  mount(app, serving, endpoints.addMark, addMark)
  mount(app, serving, endpoints.listMarks, listMarks)
  mount(app, serving, endpoints.listAttachments, listAttachments)
  mount(app, serving, endpoints.addAttachment, addAttachment)
  mount(app, serving, endpoints.enqueue, enqueueJob, (call, job) => enqueueMinimally(call, [job]))
  mount(app, serving, endpoints.enqueueBatch, enqueueJobs, (call, { jobs }) => enqueueMinimally(call, jobs))
  mount(app, serving, endpoints.acquire, acquire, acquireMinimally)
  mount(app, serving, endpoints.leasedJob, leasedJob)
  mount(app, serving, endpoints.renew, renewJob)
  mount(app, serving, endpoints.renewMany, renewJobs)
  mount(app, serving, endpoints.complete, completeJob)
  mount(app, serving, endpoints.fail, failJob)
  mount(app, serving, endpoints.release, releaseJob)
  mount(app, serving, endpoints.finishMany, finishJobs, finishMinimally)
  mount(app, serving, endpoints.cancel, cancelJob)
  mount(app, serving, endpoints.showPolicy, showPolicy)
  mount(app, serving, endpoints.applyPolicy, applyPolicy)
  mount(app, serving, endpoints.controlQueue, controlQueue)
  mount(app, serving, endpoints.queueStatus, queueStatus)
  mount(app, serving, endpoints.stoppedQueues, stoppedQueues)
  mount(app, serving, endpoints.staleQueues, staleQueues)
  mount(app, serving, endpoints.setSlaPolicy, setSlaPolicy)
  mount(app, serving, endpoints.deleteSlaPolicy, deleteSlaPolicy)
  mount(app, serving, endpoints.listSlaPolicies, listSlaPolicies)
  mount(app, serving, endpoints.listSlaBreaches, listSlaBreaches)
  mount(app, serving, endpoints.events, events)
  mount(app, serving, endpoints.listEventCursors, listEventCursors)
  mount(app, serving, endpoints.moveEventCursor, moveEventCursor)
  mount(app, serving, endpoints.removeEventCursor, removeEventCursor)
  app.get(endpoints.statsStream.path, allow(endpoints.statsStream), streamStats(serving))
  app.get(endpoints.eventStream.path, allow(endpoints.eventStream), streamEvents(serving))
  mount(app, serving, endpoints.showCaller, showCaller)
  mount(app, serving, endpoints.endSession, endSession)
  mount(app, serving, endpoints.listCallers, listCallers)
  mount(app, serving, endpoints.blockCaller, blockCaller)
  mount(app, serving, endpoints.unblockCaller, unblockCaller)
  mount(app, serving, endpoints.makeToken, makeToken)
  mount(app, serving, endpoints.listTokens, listTokens)
  mount(app, serving, endpoints.showToken, showToken)
  mount(app, serving, endpoints.setTokenRole, setTokenRole)
  mount(app, serving, endpoints.setTokenScope, setTokenScope)
  mount(app, serving, endpoints.setTokenLimits, setTokenLimits)
  mount(app, serving, endpoints.suspendToken, suspendToken)
  mount(app, serving, endpoints.resumeToken, resumeToken)
  mount(app, serving, endpoints.revokeToken, revokeToken)
  mount(app, serving, endpoints.rotateToken, rotateToken)
}
