/* Made from the schemas in shared/ by `npm run docs`. */

import type { Call, CallOptions } from '../call/call.ts'
import type {
  AcquireInput,
  AcquireOutput,
  AddAttachmentInput,
  AddAttachmentOutput,
  AddHoldInput,
  AddHoldOutput,
  AddMarkInput,
  AddMarkOutput,
  ApplyPlanInput,
  ApplyPlanOutput,
  ApplyPolicyInput,
  ApplyPolicyOutput,
  ApprovePlanInput,
  ApprovePlanOutput,
  ArchiveMetaInput,
  ArchiveMetaOutput,
  BlockCallerInput,
  BlockCallerOutput,
  CancelBatchInput,
  CancelBatchOutput,
  CancelInput,
  CancelOutput,
  CheckCountsInput,
  CheckCountsOutput,
  CompleteInput,
  CompleteOutput,
  ControlQueueInput,
  ControlQueueOutput,
  DeleteSlaPolicyInput,
  DeleteSlaPolicyOutput,
  EndSessionInput,
  EndSessionOutput,
  EnqueueBatchInput,
  EnqueueBatchOutput,
  EnqueueInput,
  EnqueueOutput,
  EraseInput,
  EraseOutput,
  EventsInput,
  EventsOutput,
  ExplainJobInput,
  ExplainJobOutput,
  ExplainQueueInput,
  ExplainQueueOutput,
  ExportOperationsInput,
  ExportOperationsOutput,
  FailInput,
  FailOutput,
  FailureClustersInput,
  FailureClustersOutput,
  FinishManyInput,
  FinishManyOutput,
  FollowOperationInput,
  FollowOperationOutput,
  GetOperationInput,
  GetOperationOutput,
  HistoryInput,
  HistoryOutput,
  IdleIndexesInput,
  IdleIndexesOutput,
  IntegrityInput,
  IntegrityOutput,
  JobByKeyInput,
  JobByKeyOutput,
  KeepOperationInput,
  KeepOperationOutput,
  LeasedJobInput,
  LeasedJobOutput,
  ListArchiveInput,
  ListArchiveOutput,
  ListAttachmentsInput,
  ListAttachmentsOutput,
  ListCallersInput,
  ListCallersOutput,
  ListConflictsInput,
  ListConflictsOutput,
  ListEventCursorsInput,
  ListEventCursorsOutput,
  ListHoldsInput,
  ListHoldsOutput,
  ListJobsInput,
  ListJobsOutput,
  ListMarksInput,
  ListMarksOutput,
  ListOperationsInput,
  ListOperationsOutput,
  ListPlansInput,
  ListPlansOutput,
  ListSlaBreachesInput,
  ListSlaBreachesOutput,
  ListSlaPoliciesInput,
  ListSlaPoliciesOutput,
  ListTokensInput,
  ListTokensOutput,
  ListWorkersInput,
  ListWorkersOutput,
  MakeTokenInput,
  MakeTokenOutput,
  MissingIndexesInput,
  MissingIndexesOutput,
  MoveEventCursorInput,
  MoveEventCursorOutput,
  OpenSessionInput,
  OpenSessionOutput,
  ProposePlanInput,
  ProposePlanOutput,
  PruneInput,
  PruneOutput,
  QueueStatusInput,
  QueueStatusOutput,
  ReclaimInput,
  ReclaimOutput,
  RejectPlanInput,
  RejectPlanOutput,
  ReleaseInput,
  ReleaseOutput,
  RemoveEventCursorInput,
  RemoveEventCursorOutput,
  RemoveHoldInput,
  RemoveHoldOutput,
  RenewInput,
  RenewManyInput,
  RenewManyOutput,
  RenewOutput,
  RequeueInput,
  RequeueOutput,
  RescheduleInput,
  RescheduleOutput,
  RescheduleShiftInput,
  RescheduleShiftOutput,
  ResumeTokenInput,
  ResumeTokenOutput,
  RetryInput,
  RetryOutput,
  ReviewOperationInput,
  ReviewOperationOutput,
  RevokeTokenInput,
  RevokeTokenOutput,
  RotateTokenInput,
  RotateTokenOutput,
  SetApprovalInput,
  SetApprovalOutput,
  SetPriorityInput,
  SetPriorityOutput,
  SetSlaPolicyInput,
  SetSlaPolicyOutput,
  SetTokenLimitsInput,
  SetTokenLimitsOutput,
  SetTokenRoleInput,
  SetTokenRoleOutput,
  SetTokenScopeInput,
  SetTokenScopeOutput,
  ShowApprovalInput,
  ShowApprovalOutput,
  ShowCallerInput,
  ShowCallerOutput,
  ShowJobInput,
  ShowJobOutput,
  ShowPlanInput,
  ShowPlanOutput,
  ShowPolicyInput,
  ShowPolicyOutput,
  ShowSessionInput,
  ShowSessionOutput,
  ShowTokenInput,
  ShowTokenOutput,
  StaleQueuesInput,
  StaleQueuesOutput,
  StatsInput,
  StatsOutput,
  StopOperationInput,
  StopOperationOutput,
  StoppedQueuesInput,
  StoppedQueuesOutput,
  StorageInput,
  StorageOutput,
  SuspendTokenInput,
  SuspendTokenOutput,
  SweepInput,
  SweepOutput,
  UnblockCallerInput,
  UnblockCallerOutput,
  UndoInput,
  UndoOutput,
  VerifyOperationsInput,
  VerifyOperationsOutput,
} from './types.ts'

/** A method for each call of the API. Each throws JobsError. */
export interface Calls {
  /** Counts queued, scheduled, processing and quarantined jobs of each group. A group without live jobs has zeros. */
  stats: (input?: StatsInput, options?: CallOptions) => Promise<StatsOutput>
  /** Deletes finished jobs whose end is longer ago than the retention. A change needs `confirm`. */
  prune: (input?: PruneInput, options?: CallOptions) => Promise<PruneOutput>
  /** Ends queued jobs that are too old, and processing jobs that run for too long. One of the two limits is needed. A change needs `confirm`. */
  sweep: (input?: SweepInput, options?: CallOptions) => Promise<SweepOutput>
  /** Puts quarantined jobs back into the queue, due at once, with all their retries before them, and brings back the jobs that were cancelled because of them. A change needs `confirm`. */
  requeue: (input: RequeueInput, options?: CallOptions) => Promise<RequeueOutput>
  /** Counts jobs that break an invariant. With `fix`, repairs them. */
  integrity: (input?: IntegrityInput, options?: CallOptions) => Promise<IntegrityOutput>
  /** Cancels queued jobs with those that depend on them, and asks the workers of running jobs to end them. `affected` counts both; `cancelled` and `asked` stand beside it. A change needs `confirm`. */
  cancelBatch: (input?: CancelBatchInput, options?: CallOptions) => Promise<CancelBatchOutput>
  /** Makes failed jobs run again, and brings back the jobs that were cancelled because of them (`dependents`). A change needs `confirm`. */
  retry: (input?: RetryInput, options?: CallOptions) => Promise<RetryOutput>
  /** Takes running jobs from their workers and puts them back into the queue, due at once. A change needs `confirm`. */
  reclaim: (input?: ReclaimInput, options?: CallOptions) => Promise<ReclaimOutput>
  /** Moves the time from which queued jobs can run. Without a time the jobs are due now; jobs that are due already then keep their place. A change needs `confirm`. */
  reschedule: (input?: RescheduleInput, options?: CallOptions) => Promise<RescheduleOutput>
  /** The same with the fields that clients of the other server send. A change needs `confirm`. */
  rescheduleShift: (input?: RescheduleShiftInput, options?: CallOptions) => Promise<RescheduleShiftOutput>
  /** Sets the priority of queued jobs. A change needs `confirm`. */
  setPriority: (input: SetPriorityInput, options?: CallOptions) => Promise<SetPriorityOutput>
  /** Gives back what an operation changed, as far as the jobs have not gone on since. A change needs `confirm`. */
  undo: (input: UndoInput, options?: CallOptions) => Promise<UndoOutput>
  /** Erases the jobs of an owner, with a value in their payload, or of ids, for good: rows, archived copies, row images, attachments and edges; owner and attributes of their events are overwritten. Running jobs are passed over. The record has a hash of the filter in place of it. A change needs `confirm`. */
  erase: (input?: EraseInput, options?: CallOptions) => Promise<EraseOutput>
  /** Sealed records in the order of the chain, without a gap, for somebody who verifies them without the database. The last page is empty. */
  exportOperations: (input?: ExportOperationsInput, options?: CallOptions) => Promise<ExportOperationsOutput>
  /** The records of bulk changes and of the other acts of operators and admins, the newest first. */
  listOperations: (input?: ListOperationsInput, options?: CallOptions) => Promise<ListOperationsOutput>
  /** One record, and what has become of its jobs (`now`). */
  getOperation: (input: GetOperationInput, options?: CallOptions) => Promise<GetOperationOutput>
  /** Asks a running operation to stop after its batch, whichever server runs it. Its batches stand. */
  stopOperation: (input: StopOperationInput, options?: CallOptions) => Promise<StopOperationOutput>
  /** All jobs of the operation that an undo cannot give back now, each with the reason. A call reads 10,000 jobs that are kept; `next_after_id` is the `after_id` of the next call, and null after the last one. */
  listConflicts: (input: ListConflictsInput, options?: CallOptions) => Promise<ListConflictsOutput>
  /** Keeps what an undo of the operation needs until a time, or longer where it is kept longer already. */
  keepOperation: (input: KeepOperationInput, options?: CallOptions) => Promise<KeepOperationOutput>
  /** The cursors of the caller in the event log, by name; those of everybody for callers who may change jobs. */
  listEventCursors: (input?: ListEventCursorsInput, options?: CallOptions) => Promise<ListEventCursorsOutput>
  /** Registers a cursor, or moves it forward; a lower `after_id` than it has leaves it where it is. Events that it has not passed stay for 7 days beyond their term. At most 100 cursors. */
  moveEventCursor: (input: MoveEventCursorInput, options?: CallOptions) => Promise<MoveEventCursorOutput>
  /** Forgets a cursor, since its reader is gone. The answer has its last place. */
  removeEventCursor: (input: RemoveEventCursorInput, options?: CallOptions) => Promise<RemoveEventCursorOutput>
  /** The policy that is applied: who applied it, and each rule with its next time and its last run. Revision 0 where none was ever applied. */
  showPolicy: (input?: ShowPolicyInput, options?: CallOptions) => Promise<ShowPolicyOutput>
  /** Applies a policy in place of the one that is applied. The servers then make its changes at their times, with the rights of the caller. A rule that stays as it is keeps its next time and its last run. 409 where `revision` is not that of the policy which is applied; 403 for a caller whose rights the servers could not look up later. A dry run tells what the first run of each rule would do. A change needs `confirm`. */
  applyPolicy: (input: ApplyPolicyInput, options?: CallOptions) => Promise<ApplyPolicyOutput>
  /** Holds jobs until a time: prune, sweep and the end of the archive's term pass them over. A hold by filter is also over jobs that match later; one over an operation keeps its archived jobs and row images. When the answer arrives, no batch that began before it still runs. At most 100 holds at once, beside those of undos. */
  addHold: (input: AddHoldInput, options?: CallOptions) => Promise<AddHoldOutput>
  /** The holds that have not ended, the newest first. The header `Link` has the next page. */
  listHolds: (input?: ListHoldsInput, options?: CallOptions) => Promise<ListHoldsOutput>
  /** Ends a hold before its time; 404 for one that has ended. */
  removeHold: (input: RemoveHoldInput, options?: CallOptions) => Promise<RemoveHoldOutput>
  /** The progress of an operation, a line of JSON each, to its end: `{"progress": …}`, then `{"result": …}` or `{"error": …}`. */
  followOperation: (input: FollowOperationInput, options?: CallOptions) => Promise<FollowOperationOutput>
  /** Checks the hash chain of the records, day by day. */
  verifyOperations: (input?: VerifyOperationsInput, options?: CallOptions) => Promise<VerifyOperationsOutput>
  /** What an undo can still give back: the operations whose jobs or row images are kept, how many, and until when. The header `Link` has the next page. */
  listArchive: (input?: ListArchiveInput, options?: CallOptions) => Promise<ListArchiveOutput>
  /** Whether an archived job has a payload and a result, as JSON or compressed. */
  archiveMeta: (input: ArchiveMetaInput, options?: CallOptions) => Promise<ArchiveMetaOutput>
  /** Jobs that match a filter, in pages. The header `Link` has the pages beside this one, and `X-Complete` is `false` where the search stopped after 50,000 rows or 200 ms. `X-Missing-Index` then names an index that the database lacks for it. */
  listJobs: (input?: ListJobsInput, options?: CallOptions) => Promise<ListJobsOutput>
  /** Failures by what they have in common: state, error code and the pattern of the message, in which texts, addresses, paths and numbers are folded. The row `rest` has the failures that are in no other row; `X-Complete` is `false` then, and where a state has more than 100,000 failures in the scope: `not_read` names it then. `expired_leases` counts running jobs whose lease has expired, by worker and job type. */
  failureClusters: (input?: FailureClustersInput, options?: CallOptions) => Promise<FailureClustersOutput>
  /** The job with an idempotency key, without payload and result. A token that may not read jobs, such as a producer, finds the jobs that it has enqueued itself; any other job is 404, as one that does not exist. */
  jobByKey: (input: JobByKeyInput, options?: CallOptions) => Promise<JobByKeyOutput>
  /** One job with every column, its dependencies, attachments and last events, also from the archive. `lease_id` and `completion_token` are null. A token with a role that asks for it without the mask (`redact=false`) leaves an event `job.revealed`. */
  showJob: (input: ShowJobInput, options?: CallOptions) => Promise<ShowJobOutput>
  /** Every reason at once why a job does not run, each with its facts, one sentence, and the call that removes it (`remedy`); and its place in line, exact up to 10,000. */
  explainJob: (input: ExplainJobInput, options?: CallOptions) => Promise<ExplainJobOutput>
  /** The same for a queue: what waits, for how long, and every reason why nothing of it runs. 404 for a queue that never had a job. */
  explainQueue: (input: ExplainQueueInput, options?: CallOptions) => Promise<ExplainQueueOutput>
  /** The workers that hold jobs, that ended some in the last 15 minutes, or that asked this API for some in the last hour, those with the most running jobs first. `X-Complete` is `false` where more than 50,000 running or ended jobs, or more than 1,000 workers, were found. */
  listWorkers: (input?: ListWorkersInput, options?: CallOptions) => Promise<ListWorkersOutput>
  /** What became of jobs over time, whatever program changed them, with a point for each step. A transaction that commits late changes the minute in which it began. History by the minute is kept for 7 days, and by the hour for 90. */
  history: (input?: HistoryInput, options?: CallOptions) => Promise<HistoryOutput>
  /** Marks this moment, such as a deployment, for the history. Only the newest 10,000 marks are kept. */
  addMark: (input: AddMarkInput, options?: CallOptions) => Promise<AddMarkOutput>
  /** The marks, the newest first. */
  listMarks: (input?: ListMarksInput, options?: CallOptions) => Promise<ListMarksOutput>
  /** The attachments of a job by their ids, also from the archive. The header `Link` has the next page, which begins earlier after large texts. A token with a role sees them masked; one that asks for them without the mask (`redact=false`) leaves an event `job.revealed`. */
  listAttachments: (input: ListAttachmentsInput, options?: CallOptions) => Promise<ListAttachmentsOutput>
  /** Adds a text of at most 1 MiB, or a URL, to a job that exists. */
  addAttachment: (input: AddAttachmentInput, options?: CallOptions) => Promise<AddAttachmentOutput>
  /** Takes a job in. 201 with the row; 200 with the row that is there and `created: false` when the idempotency key is taken. */
  enqueue: (input: EnqueueInput, options?: CallOptions) => Promise<EnqueueOutput>
  /** Takes up to 1,000 jobs in, all or none. */
  enqueueBatch: (input: EnqueueBatchInput, options?: CallOptions) => Promise<EnqueueBatchOutput>
  /** Leases jobs of one queue in pick order. */
  acquire: (input: AcquireInput, options?: CallOptions) => Promise<AcquireOutput>
  /** Reads the job whose lease the worker has, as acquire answers it and as it is now: while it runs, and after it has ended under this lease. 409 `lease_lost` where another lease or none is on it, and for the lease of another token. The call changes nothing. */
  leasedJob: (input: LeasedJobInput, options?: CallOptions) => Promise<LeasedJobOutput>
  /** Extends a lease, reports progress, and tells whether the job is still wanted (`cancel_requested`). */
  renew: (input: RenewInput, options?: CallOptions) => Promise<RenewOutput>
  /** The same for up to 1,000 jobs; each job is answered on its own. */
  renewMany: (input: RenewManyInput, options?: CallOptions) => Promise<RenewManyOutput>
  /** Ends an attempt: the job is completed. */
  complete: (input: CompleteInput, options?: CallOptions) => Promise<CompleteOutput>
  /** Ends an attempt: the job is retried, quarantined or failed. */
  fail: (input: FailInput, options?: CallOptions) => Promise<FailOutput>
  /** Ends an attempt: the job goes back to the queue as if it had not been picked up. */
  release: (input: ReleaseInput, options?: CallOptions) => Promise<ReleaseOutput>
  /** Ends up to 1,000 attempts, each with its `action`; each job is answered on its own. */
  finishMany: (input: FinishManyInput, options?: CallOptions) => Promise<FinishManyOutput>
  /** Ends a queued job, or asks a running job to end. Up to 1,000 jobs that depend on it are cancelled along (`dependents`), as an operation on record; of more nothing is changed, and `/jobs/batch/cancel` with `job_id` does it. */
  cancel: (input: CancelInput, options?: CallOptions) => Promise<CancelOutput>
  /** Pauses, drains or resumes a queue. */
  controlQueue: (input: ControlQueueInput, options?: CallOptions) => Promise<ControlQueueOutput>
  /** Whether a queue is paused or drains. */
  queueStatus: (input: QueueStatusInput, options?: CallOptions) => Promise<QueueStatusOutput>
  /** All queues that are paused or drain, since when, and why. */
  stoppedQueues: (input?: StoppedQueuesInput, options?: CallOptions) => Promise<StoppedQueuesOutput>
  /** The queues that hold expired leases: how many, and when the first of them expired. `X-Complete` is `false` where more than 50,000 leases have expired, so that counts are too low. */
  staleQueues: (input?: StaleQueuesInput, options?: CallOptions) => Promise<StaleQueuesOutput>
  /** Sets how long a job of a group may wait and run. A limit that is not sent is no limit, whatever it was before. */
  setSlaPolicy: (input: SetSlaPolicyInput, options?: CallOptions) => Promise<SetSlaPolicyOutput>
  /** Takes the limits of a group away; 404 for a group that has none. The input is a body of JSON. */
  deleteSlaPolicy: (input: DeleteSlaPolicyInput, options?: CallOptions) => Promise<DeleteSlaPolicyOutput>
  /** The limits of the groups, by domain, queue and job type. */
  listSlaPolicies: (input?: ListSlaPoliciesInput, options?: CallOptions) => Promise<ListSlaPoliciesOutput>
  /** The queued and running jobs that are over a limit of their group, the oldest first. The header `Link` has the next page. `X-Complete` is `false` where more than 50,000 jobs of groups with limits are running, or more than 10,000 groups have limits. */
  listSlaBreaches: (input?: ListSlaBreachesInput, options?: CallOptions) => Promise<ListSlaBreachesOutput>
  /** Events in the order of their ids. 410 `events_expired` where events after `after_id` have been deleted because their term was over, and `events_reset` for an id that the log has not given out. With `partial=true` the header `X-Next-After` has the id to go on with while there may be more events; without it, a search that finds nothing within 5 s is 503. */
  events: (input?: EventsInput, options?: CallOptions) => Promise<EventsOutput>
  /** Compares the counts behind the stats with the jobs, and sets right what is wrong. */
  checkCounts: (input?: CheckCountsInput, options?: CallOptions) => Promise<CheckCountsOutput>
  /** Indexes that this server needs and the database does not have, with what each serves and what a build would cost. */
  missingIndexes: (input?: MissingIndexesInput, options?: CallOptions) => Promise<MissingIndexesOutput>
  /** Indexes of `jobs`, made by other programs, that cost each write and serve nothing. */
  idleIndexes: (input?: IdleIndexesInput, options?: CallOptions) => Promise<IdleIndexesOutput>
  /** Makes a token with a role. `token` of the answer is the only copy of it. */
  makeToken: (input: MakeTokenInput, options?: CallOptions) => Promise<MakeTokenOutput>
  /** The tokens without their secrets, the newest first. */
  listTokens: (input?: ListTokensInput, options?: CallOptions) => Promise<ListTokensOutput>
  /** One token without its secret. */
  showToken: (input: ShowTokenInput, options?: CallOptions) => Promise<ShowTokenOutput>
  /** Gives a token another role, at once and for every server. Its secret stays. */
  setTokenRole: (input: SetTokenRoleInput, options?: CallOptions) => Promise<SetTokenRoleOutput>
  /** Limits a token to domains, queues and job types, or with null to nothing, at once and for every server. Stops the changes of many jobs that it has begun. 409 `conflict` for a role without a scope. */
  setTokenScope: (input: SetTokenScopeInput, options?: CallOptions) => Promise<SetTokenScopeOutput>
  /** Plans a change of many jobs: previews it, and keeps the preview for 72 hours (`JOBS_PLAN_HOURS`) until another principal decides. Needs `X-Reason`. 409 `conflict` where no job matches, where 20 plans of the principal or 100 in all are open, and in single-user mode. */
  proposePlan: (input: ProposePlanInput, options?: CallOptions) => Promise<ProposePlanOutput>
  /** The plans that are kept, the newest first. A plan is deleted 7 days after its term. */
  listPlans: (input?: ListPlansInput, options?: CallOptions) => Promise<ListPlansOutput>
  /** One plan with its preview, and how many of its jobs still match. */
  showPlan: (input: ShowPlanInput, options?: CallOptions) => Promise<ShowPlanOutput>
  /** Approves a plan. 403 `forbidden` for the principal of its author, and where one person may know the secrets of both tokens, since it made or rotated them (`secrets_by`); 409 `conflict` for another digest, or a plan that somebody has decided. */
  approvePlan: (input: ApprovePlanInput, options?: CallOptions) => Promise<ApprovePlanOutput>
  /** Rejects a plan, also one that is approved, withdrawn or stale. 409 `conflict` for another digest, or a plan that was rejected or applied; 409 `preview_stale` for one that has expired. */
  rejectPlan: (input: RejectPlanInput, options?: CallOptions) => Promise<RejectPlanOutput>
  /** Applies an approved plan, once, to the jobs of its preview: by the principal of its author or of its approver. 403 `approval_required` while nobody has approved it, 409 `conflict` for one that was rejected or applied, 409 `preview_stale` for one that has expired, after a restore or failover, and where the token of its author or its approver was revoked, or one of them blocked. A plan with `limit` is applied in two parts, the second by `rest_token`. A change needs `confirm`. */
  applyPlan: (input: ApplyPlanInput, options?: CallOptions) => Promise<ApplyPlanOutput>
  /** From how many jobs on a change needs an approval, and which emergencies wait for a review. */
  showApproval: (input?: ShowApprovalInput, options?: CallOptions) => Promise<ShowApprovalOutput>
  /** Sets from how many jobs on a change needs the approval of another principal, for all servers; null means that none does. 409 `conflict` in single-user mode. */
  setApproval: (input: SetApprovalInput, options?: CallOptions) => Promise<SetApprovalOutput>
  /** Signs an operation that went past the approval it needed (`X-Emergency`): by another principal than its own. 404 for an operation that waits for no review. */
  reviewOperation: (input: ReviewOperationInput, options?: CallOptions) => Promise<ReviewOperationOutput>
  /** Limits how many jobs the changes of many jobs of a token touch, at once and for every server. A limit that is absent stays, null takes it away. 409 `conflict` for a role that makes no such changes. */
  setTokenLimits: (input: SetTokenLimitsInput, options?: CallOptions) => Promise<SetTokenLimitsOutput>
  /** Refuses a token until it is resumed, and stops the changes of many jobs that it has begun. */
  suspendToken: (input: SuspendTokenInput, options?: CallOptions) => Promise<SuspendTokenOutput>
  /** Ends the suspension of a token. */
  resumeToken: (input: ResumeTokenInput, options?: CallOptions) => Promise<ResumeTokenOutput>
  /** Gives a token a new secret under the same id: `token` of the answer is the only copy of it. The old one works on for the overlap, an older one ends. 409 `conflict` for a token that has ended. */
  rotateToken: (input: RotateTokenInput, options?: CallOptions) => Promise<RotateTokenOutput>
  /** Ends a token for good, and stops the changes of many jobs that it has begun. 409 `conflict` where no usable token of an admin would be left. */
  revokeToken: (input: RevokeTokenInput, options?: CallOptions) => Promise<RevokeTokenOutput>
  /** The callers of single sign-on who have logged in in a browser within 90 days, and those who are blocked. */
  listCallers: (input?: ListCallersInput, options?: CallOptions) => Promise<ListCallersOutput>
  /** Refuses a caller of single sign-on, whatever the provider says, ends its sessions, and stops the changes of many jobs that it has begun. */
  blockCaller: (input: BlockCallerInput, options?: CallOptions) => Promise<BlockCallerOutput>
  /** Ends the block of a caller. */
  unblockCaller: (input: UnblockCallerInput, options?: CallOptions) => Promise<UnblockCallerOutput>
  /** Opens a session of a browser. The answer sets its cookie, and ends the session whose cookie the request had. The request must come from a page of the server, with `X-Confirm: true`. A change needs `confirm`. */
  openSession: (input: OpenSessionInput, options?: CallOptions) => Promise<OpenSessionOutput>
  /** Whose session the cookie of the request is, and the ways to log in: `key`, `token`, `single_sign_on`. Without credentials. */
  showSession: (input?: ShowSessionInput, options?: CallOptions) => Promise<ShowSessionOutput>
  /** Ends the session of the call, or with `everywhere` all sessions of its caller. Streams of these sessions end. */
  endSession: (input?: EndSessionInput, options?: CallOptions) => Promise<EndSessionOutput>
  /** Who the caller is, its role, its scope, and the names of its rights. */
  showCaller: (input?: ShowCallerInput, options?: CallOptions) => Promise<ShowCallerOutput>
  /** The size of the jobs and of their history. */
  storage: (input?: StorageInput, options?: CallOptions) => Promise<StorageOutput>
}

/** The methods, by the function that sends a request. */
export const callsOf = (call: Call): Calls => ({
  stats: (input = {}, options) => call('GET', '/api/v1/jobs/stats', input, options),
  prune: (input = {}, options) => call('POST', '/api/v1/jobs/prune', input, options),
  sweep: (input = {}, options) => call('POST', '/api/v1/jobs/ttl/sweep', input, options),
  requeue: (input, options) => call('POST', '/api/v1/jobs/batch/requeue_quarantined', input, options),
  integrity: (input = {}, options) => call('POST', '/api/v1/jobs/integrity/sweep', input, options),
  cancelBatch: (input = {}, options) => call('POST', '/api/v1/jobs/batch/cancel', input, options),
  retry: (input = {}, options) => call('POST', '/api/v1/jobs/retry-now', input, options),
  reclaim: (input = {}, options) => call('POST', '/api/v1/jobs/batch/reclaim', input, options),
  reschedule: (input = {}, options) => call('POST', '/api/v1/jobs/batch/reschedule', input, options),
  rescheduleShift: (input = {}, options) => call('POST', '/api/v1/jobs/reschedule', input, options),
  setPriority: (input, options) => call('POST', '/api/v1/jobs/batch/priority', input, options),
  undo: (input, options) => call('POST', '/api/v1/jobs/operations/:id/undo', input, options),
  erase: (input = {}, options) => call('POST', '/api/v1/jobs/erase', input, options),
  exportOperations: (input = {}, options) => call('GET', '/api/v1/jobs/operations/export', input, options),
  listOperations: (input = {}, options) => call('GET', '/api/v1/jobs/operations', input, options),
  getOperation: (input, options) => call('GET', '/api/v1/jobs/operations/:id', input, options),
  stopOperation: (input, options) => call('POST', '/api/v1/jobs/operations/:id/stop', input, options),
  listConflicts: (input, options) => call('GET', '/api/v1/jobs/operations/:id/conflicts', input, options),
  keepOperation: (input, options) => call('POST', '/api/v1/jobs/operations/:id/keep', input, options),
  listEventCursors: (input = {}, options) => call('GET', '/api/v1/jobs/events/cursors', input, options),
  moveEventCursor: (input, options) => call('POST', '/api/v1/jobs/events/cursors/:name', input, options),
  removeEventCursor: (input, options) => call('POST', '/api/v1/jobs/events/cursors/:name/remove', input, options),
  showPolicy: (input = {}, options) => call('GET', '/api/v1/jobs/policy', input, options),
  applyPolicy: (input, options) => call('POST', '/api/v1/jobs/policy', input, options),
  addHold: (input, options) => call('POST', '/api/v1/jobs/holds', input, options),
  listHolds: (input = {}, options) => call('GET', '/api/v1/jobs/holds', input, options),
  removeHold: (input, options) => call('POST', '/api/v1/jobs/holds/:id/remove', input, options),
  followOperation: (input, options) => call('GET', '/api/v1/jobs/operations/:id/progress', input, options),
  verifyOperations: (input = {}, options) => call('GET', '/api/v1/jobs/operations/verify', input, options),
  listArchive: (input = {}, options) => call('GET', '/api/v1/jobs/archive/list', input, options),
  archiveMeta: (input, options) => call('GET', '/api/v1/jobs/archive/meta', input, options),
  listJobs: (input = {}, options) => call('GET', '/api/v1/jobs/list', input, options),
  failureClusters: (input = {}, options) => call('GET', '/api/v1/jobs/clusters', input, options),
  jobByKey: (input, options) => call('GET', '/api/v1/jobs/by-key', input, options),
  showJob: (input, options) => call('GET', '/api/v1/jobs/:id', input, options),
  explainJob: (input, options) => call('GET', '/api/v1/jobs/:id/explain', input, options),
  explainQueue: (input, options) => call('GET', '/api/v1/jobs/queues/explain', input, options),
  listWorkers: (input = {}, options) => call('GET', '/api/v1/jobs/workers', input, options),
  history: (input = {}, options) => call('GET', '/api/v1/jobs/history', input, options),
  addMark: (input, options) => call('POST', '/api/v1/jobs/marks', input, options),
  listMarks: (input = {}, options) => call('GET', '/api/v1/jobs/marks', input, options),
  listAttachments: (input, options) => call('GET', '/api/v1/jobs/:id/attachments', input, options),
  addAttachment: (input, options) => call('POST', '/api/v1/jobs/:id/attachments', input, options),
  enqueue: (input, options) => call('POST', '/api/v1/jobs', input, options),
  enqueueBatch: (input, options) => call('POST', '/api/v1/jobs/batch', input, options),
  acquire: (input, options) => call('POST', '/api/v1/jobs/acquire', input, options),
  leasedJob: (input, options) => call('POST', '/api/v1/jobs/:id/leased', input, options),
  renew: (input, options) => call('POST', '/api/v1/jobs/:id/renew', input, options),
  renewMany: (input, options) => call('POST', '/api/v1/jobs/renew', input, options),
  complete: (input, options) => call('POST', '/api/v1/jobs/:id/complete', input, options),
  fail: (input, options) => call('POST', '/api/v1/jobs/:id/fail', input, options),
  release: (input, options) => call('POST', '/api/v1/jobs/:id/release', input, options),
  finishMany: (input, options) => call('POST', '/api/v1/jobs/finish', input, options),
  cancel: (input, options) => call('POST', '/api/v1/jobs/:id/cancel', input, options),
  controlQueue: (input, options) => call('POST', '/api/v1/jobs/queue/control', input, options),
  queueStatus: (input, options) => call('GET', '/api/v1/jobs/queue/status', input, options),
  stoppedQueues: (input = {}, options) => call('GET', '/api/v1/jobs/queues', input, options),
  staleQueues: (input = {}, options) => call('GET', '/api/v1/jobs/stale', input, options),
  setSlaPolicy: (input, options) => call('POST', '/api/v1/jobs/sla/policy', input, options),
  deleteSlaPolicy: (input, options) => call('DELETE', '/api/v1/jobs/sla/policy', input, options),
  listSlaPolicies: (input = {}, options) => call('GET', '/api/v1/jobs/sla/policies', input, options),
  listSlaBreaches: (input = {}, options) => call('GET', '/api/v1/jobs/sla/breaches', input, options),
  events: (input = {}, options) => call('GET', '/api/v1/jobs/events', input, options),
  checkCounts: (input = {}, options) => call('GET', '/api/v1/jobs/counts', input, options),
  missingIndexes: (input = {}, options) => call('GET', '/api/v1/jobs/indexes/missing', input, options),
  idleIndexes: (input = {}, options) => call('GET', '/api/v1/jobs/indexes', input, options),
  makeToken: (input, options) => call('POST', '/api/v1/tokens', input, options),
  listTokens: (input = {}, options) => call('GET', '/api/v1/tokens', input, options),
  showToken: (input, options) => call('GET', '/api/v1/tokens/:id', input, options),
  setTokenRole: (input, options) => call('POST', '/api/v1/tokens/:id/role', input, options),
  setTokenScope: (input, options) => call('POST', '/api/v1/tokens/:id/scope', input, options),
  proposePlan: (input, options) => call('POST', '/api/v1/jobs/plans', input, options),
  listPlans: (input = {}, options) => call('GET', '/api/v1/jobs/plans', input, options),
  showPlan: (input, options) => call('GET', '/api/v1/jobs/plans/:id', input, options),
  approvePlan: (input, options) => call('POST', '/api/v1/jobs/plans/:id/approve', input, options),
  rejectPlan: (input, options) => call('POST', '/api/v1/jobs/plans/:id/reject', input, options),
  applyPlan: (input, options) => call('POST', '/api/v1/jobs/plans/:id/apply', input, options),
  showApproval: (input = {}, options) => call('GET', '/api/v1/jobs/approval', input, options),
  setApproval: (input, options) => call('POST', '/api/v1/jobs/approval', input, options),
  reviewOperation: (input, options) => call('POST', '/api/v1/jobs/operations/:id/review', input, options),
  setTokenLimits: (input, options) => call('POST', '/api/v1/tokens/:id/limits', input, options),
  suspendToken: (input, options) => call('POST', '/api/v1/tokens/:id/suspend', input, options),
  resumeToken: (input, options) => call('POST', '/api/v1/tokens/:id/resume', input, options),
  rotateToken: (input, options) => call('POST', '/api/v1/tokens/:id/rotate', input, options),
  revokeToken: (input, options) => call('POST', '/api/v1/tokens/:id/revoke', input, options),
  listCallers: (input = {}, options) => call('GET', '/api/v1/callers', input, options),
  blockCaller: (input, options) => call('POST', '/api/v1/callers/block', input, options),
  unblockCaller: (input, options) => call('POST', '/api/v1/callers/unblock', input, options),
  openSession: (input, options) => call('POST', '/api/v1/session', input, options),
  showSession: (input = {}, options) => call('GET', '/api/v1/session', input, options),
  endSession: (input = {}, options) => call('POST', '/api/v1/session/end', input, options),
  showCaller: (input = {}, options) => call('GET', '/api/v1/caller', input, options),
  storage: (input = {}, options) => call('GET', '/api/v1/jobs/storage', input, options),
})

/** The streams of server-sent events. */
export const streamPaths = {
  eventStream: '/api/v1/jobs/events/stream',
  statsStream: '/api/v1/jobs/stats/stream',
} as const
