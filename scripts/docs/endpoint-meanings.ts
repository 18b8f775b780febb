import type * as endpoints from '../../shared/endpoints.ts'

/** The endpoints with an answer that ends. */
export type Name = Exclude<keyof typeof endpoints, 'eventStream' | 'statsStream'>

/** What each call does, in the order of the page; a call without a sentence does not compile. */
export const about: Record<Name, string> = {
  stats:
    'Counts queued, scheduled, processing and quarantined jobs of each group. A group without live jobs has zeros.',
  prune: 'Deletes finished jobs whose end is longer ago than the retention.',
  sweep:
    'Ends queued jobs that are too old, and processing jobs that run for too long. One of the two limits is needed.',
  requeue:
    'Puts quarantined jobs back into the queue, due at once, with all their retries before them, and brings back the jobs that were cancelled because of them.',
  integrity: 'Counts jobs that break an invariant. With `fix`, repairs them.',
  cancelBatch:
    'Cancels queued jobs with those that depend on them, and asks the workers of running jobs to end them. `affected` counts both; `cancelled` and `asked` stand beside it.',
  retry: 'Makes failed jobs run again, and brings back the jobs that were cancelled because of them (`dependents`).',
  reclaim: 'Takes running jobs from their workers and puts them back into the queue, due at once.',
  reschedule:
    'Moves the time from which queued jobs can run. Without a time the jobs are due now; jobs that are due already then keep their place.',
  rescheduleShift: 'The same with the fields that clients of the other server send.',
  setPriority: 'Sets the priority of queued jobs.',
  undo: 'Gives back what an operation changed, as far as the jobs have not gone on since.',
  erase:
    'Erases the jobs of an owner, with a value in their payload, or of ids, for good: rows, archived copies, row images, attachments and edges; owner and attributes of their events are overwritten. Running jobs are passed over. The record has a hash of the filter in place of it.',
  exportOperations:
    'Sealed records in the order of the chain, without a gap, for somebody who verifies them without the database. The last page is empty.',
  listOperations: 'The records of bulk changes and of the other acts of operators and admins, the newest first.',
  getOperation: 'One record, and what has become of its jobs (`now`).',
  stopOperation: 'Asks a running operation to stop after its batch, whichever server runs it. Its batches stand.',
  listConflicts:
    'All jobs of the operation that an undo cannot give back now, each with the reason. A call reads 10,000 jobs that are kept; `next_after_id` is the `after_id` of the next call, and null after the last one.',
  keepOperation: 'Keeps what an undo of the operation needs until a time, or longer where it is kept longer already.',
  listEventCursors:
    'The cursors of the caller in the event log, by name; those of everybody for callers who may change jobs.',
  moveEventCursor:
    'Registers a cursor, or moves it forward; a lower `after_id` than it has leaves it where it is. Events that it has not passed stay for 7 days beyond their term. At most 100 cursors.',
  removeEventCursor: 'Forgets a cursor, since its reader is gone. The answer has its last place.',
  showPolicy:
    'The policy that is applied: who applied it, and each rule with its next time and its last run. Revision 0 where none was ever applied.',
  applyPolicy:
    'Applies a policy in place of the one that is applied. The servers then make its changes at their times, with the rights of the caller. A rule that stays as it is keeps its next time and its last run. 409 where `revision` is not that of the policy which is applied; 403 for a caller whose rights the servers could not look up later. A dry run tells what the first run of each rule would do.',
  addHold:
    "Holds jobs until a time: prune, sweep and the end of the archive's term pass them over. A hold by filter is also over jobs that match later; one over an operation keeps its archived jobs and row images. When the answer arrives, no batch that began before it still runs. At most 100 holds at once, beside those of undos.",
  listHolds: 'The holds that have not ended, the newest first. The header `Link` has the next page.',
  removeHold: 'Ends a hold before its time; 404 for one that has ended.',
  followOperation:
    'The progress of an operation, a line of JSON each, to its end: `{"progress": …}`, then `{"result": …}` or `{"error": …}`.',
  verifyOperations: 'Checks the hash chain of the records, day by day.',
  listArchive:
    'What an undo can still give back: the operations whose jobs or row images are kept, how many, and until when. The header `Link` has the next page.',
  archiveMeta: 'Whether an archived job has a payload and a result, as JSON or compressed.',
  listJobs:
    'Jobs that match a filter, in pages. The header `Link` has the pages beside this one, and `X-Complete` is `false` where the search stopped after 50,000 rows or 200 ms. `X-Missing-Index` then names an index that the database lacks for it.',
  failureClusters:
    'Failures by what they have in common: state, error code and the pattern of the message, in which texts, addresses, paths and numbers are folded. The row `rest` has the failures that are in no other row; `X-Complete` is `false` then, and where a state has more than 100,000 failures in the scope: `not_read` names it then. `expired_leases` counts running jobs whose lease has expired, by worker and job type.',
  jobByKey:
    'The job with an idempotency key, without payload and result. A token that may not read jobs, such as a producer, finds the jobs that it has enqueued itself; any other job is 404, as one that does not exist.',
  showJob:
    'One job with every column, its dependencies, attachments and last events, also from the archive. `lease_id` and `completion_token` are null. A token with a role that asks for it without the mask (`redact=false`) leaves an event `job.revealed`.',
  explainJob:
    'Every reason at once why a job does not run, each with its facts, one sentence, and the call that removes it (`remedy`); and its place in line, exact up to 10,000.',
  explainQueue:
    'The same for a queue: what waits, for how long, and every reason why nothing of it runs. 404 for a queue that never had a job.',
  listWorkers:
    'The workers that hold jobs, that ended some in the last 15 minutes, or that asked this API for some in the last hour, those with the most running jobs first. `X-Complete` is `false` where more than 50,000 running or ended jobs, or more than 1,000 workers, were found.',
  history:
    'What became of jobs over time, whatever program changed them, with a point for each step. A transaction that commits late changes the minute in which it began. History by the minute is kept for 7 days, and by the hour for 90.',
  addMark: 'Marks this moment, such as a deployment, for the history. Only the newest 10,000 marks are kept.',
  listMarks: 'The marks, the newest first.',
  listAttachments:
    'The attachments of a job by their ids, also from the archive. The header `Link` has the next page, which begins earlier after large texts. A token with a role sees them masked; one that asks for them without the mask (`redact=false`) leaves an event `job.revealed`.',
  addAttachment: 'Adds a text of at most 1 MiB, or a URL, to a job that exists.',
  enqueue:
    'Takes a job in. 201 with the row; 200 with the row that is there and `created: false` when the idempotency key is taken.',
  enqueueBatch: 'Takes up to 1,000 jobs in, all or none.',
  acquire: 'Leases jobs of one queue in pick order.',
  leasedJob:
    'Reads the job whose lease the worker has, as acquire answers it and as it is now: while it runs, and after it has ended under this lease. 409 `lease_lost` where another lease or none is on it, and for the lease of another token. The call changes nothing.',
  renew: 'Extends a lease, reports progress, and tells whether the job is still wanted (`cancel_requested`).',
  renewMany: 'The same for up to 1,000 jobs; each job is answered on its own.',
  complete: 'Ends an attempt: the job is completed.',
  fail: 'Ends an attempt: the job is retried, quarantined or failed.',
  release: 'Ends an attempt: the job goes back to the queue as if it had not been picked up.',
  finishMany: 'Ends up to 1,000 attempts, each with its `action`; each job is answered on its own.',
  cancel:
    'Ends a queued job, or asks a running job to end. Up to 1,000 jobs that depend on it are cancelled along (`dependents`), as an operation on record; of more nothing is changed, and `/jobs/batch/cancel` with `job_id` does it.',
  controlQueue: 'Pauses, drains or resumes a queue.',
  queueStatus: 'Whether a queue is paused or drains.',
  stoppedQueues: 'All queues that are paused or drain, since when, and why.',
  staleQueues:
    'The queues that hold expired leases: how many, and when the first of them expired. `X-Complete` is `false` where more than 50,000 leases have expired, so that counts are too low.',
  setSlaPolicy:
    'Sets how long a job of a group may wait and run. A limit that is not sent is no limit, whatever it was before.',
  deleteSlaPolicy: 'Takes the limits of a group away; 404 for a group that has none. The input is a body of JSON.',
  listSlaPolicies: 'The limits of the groups, by domain, queue and job type.',
  listSlaBreaches:
    'The queued and running jobs that are over a limit of their group, the oldest first. The header `Link` has the next page. `X-Complete` is `false` where more than 50,000 jobs of groups with limits are running, or more than 10,000 groups have limits.',
  events:
    'Events in the order of their ids. 410 `events_expired` where events after `after_id` have been deleted because their term was over, and `events_reset` for an id that the log has not given out. With `partial=true` the header `X-Next-After` has the id to go on with while there may be more events; without it, a search that finds nothing within 5 s is 503.',
  checkCounts: 'Compares the counts behind the stats with the jobs, and sets right what is wrong.',
  missingIndexes:
    'Indexes that this server needs and the database does not have, with what each serves and what a build would cost.',
  idleIndexes: 'Indexes of `jobs`, made by other programs, that cost each write and serve nothing.',
  makeToken: 'Makes a token with a role. `token` of the answer is the only copy of it.',
  listTokens: 'The tokens without their secrets, the newest first.',
  showToken: 'One token without its secret.',
  setTokenRole: 'Gives a token another role, at once and for every server. Its secret stays.',
  setTokenScope:
    'Limits a token to domains, queues and job types, or with null to nothing, at once and for every server. Stops the changes of many jobs that it has begun. 409 `conflict` for a role without a scope.',
  proposePlan:
    'Plans a change of many jobs: previews it, and keeps the preview for 72 hours (`JOBS_PLAN_HOURS`) until another principal decides. Needs `X-Reason`. 409 `conflict` where no job matches, where 20 plans of the principal or 100 in all are open, and in single-user mode.',
  listPlans: 'The plans that are kept, the newest first. A plan is deleted 7 days after its term.',
  showPlan: 'One plan with its preview, and how many of its jobs still match.',
  approvePlan:
    'Approves a plan. 403 `forbidden` for the principal of its author, and where one person may know the secrets of both tokens, since it made or rotated them (`secrets_by`); 409 `conflict` for another digest, or a plan that somebody has decided.',
  rejectPlan:
    'Rejects a plan, also one that is approved, withdrawn or stale. 409 `conflict` for another digest, or a plan that was rejected or applied; 409 `preview_stale` for one that has expired.',
  applyPlan:
    'Applies an approved plan, once, to the jobs of its preview: by the principal of its author or of its approver. 403 `approval_required` while nobody has approved it, 409 `conflict` for one that was rejected or applied, 409 `preview_stale` for one that has expired, after a restore or failover, and where the token of its author or its approver was revoked, or one of them blocked. A plan with `limit` is applied in two parts, the second by `rest_token`.',
  showApproval: 'From how many jobs on a change needs an approval, and which emergencies wait for a review.',
  setApproval:
    'Sets from how many jobs on a change needs the approval of another principal, for all servers; null means that none does. 409 `conflict` in single-user mode.',
  reviewOperation:
    'Signs an operation that went past the approval it needed (`X-Emergency`): by another principal than its own. 404 for an operation that waits for no review.',
  setTokenLimits:
    'Limits how many jobs the changes of many jobs of a token touch, at once and for every server. A limit that is absent stays, null takes it away. 409 `conflict` for a role that makes no such changes.',
  suspendToken: 'Refuses a token until it is resumed, and stops the changes of many jobs that it has begun.',
  resumeToken: 'Ends the suspension of a token.',
  rotateToken:
    'Gives a token a new secret under the same id: `token` of the answer is the only copy of it. The old one works on for the overlap, an older one ends. 409 `conflict` for a token that has ended.',
  revokeToken:
    'Ends a token for good, and stops the changes of many jobs that it has begun. 409 `conflict` where no usable token of an admin would be left.',
  listCallers:
    'The callers of single sign-on who have logged in in a browser within 90 days, and those who are blocked.',
  blockCaller:
    'Refuses a caller of single sign-on, whatever the provider says, ends its sessions, and stops the changes of many jobs that it has begun.',
  unblockCaller: 'Ends the block of a caller.',
  openSession:
    'Opens a session of a browser. The answer sets its cookie, and ends the session whose cookie the request had. The request must come from a page of the server, with `X-Confirm: true`.',
  showSession:
    'Whose session the cookie of the request is, and the ways to log in: `key`, `token`, `single_sign_on`. Without credentials.',
  endSession:
    'Ends the session of the call, or with `everywhere` all sessions of its caller. Streams of these sessions end.',
  showCaller: 'Who the caller is, its role, its scope, and the names of its rights.',
  storage: 'The size of the jobs and of their history.',
}

/** What a call answers that prefers a small response, in a table and in OpenAPI. */
export const minimalMeaning =
  'the answer is small. Of an enqueue it is `{"ids": […], "created": n}` in the order of the request, with the indexes of jobs that existed as `existing`; of acquire it has what a worker needs to run a job and to end its attempt; of finish it is `{"ok": n, "failed": [{"index", "code"}]}`. `Preference-Applied: return=minimal` says so.'
