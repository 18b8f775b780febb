/* Made from the schemas in shared/ by `npm run docs`. */

/** The stable word of an error. A later version may have further ones. */
export type ErrorCode = 'confirmation_required' | 'malformed_json' | 'malformed_request' | 'unauthenticated' | 'forbidden' | 'login_too_old' | 'approval_required' | 'frozen' | 'database_right_missing' | 'not_found' | 'method_not_allowed' | 'conflict' | 'queue_draining' | 'lease_lost' | 'preview_stale' | 'events_reset' | 'events_expired' | 'foreign_rows' | 'limit_exceeded' | 'too_large' | 'unsupported_media_type' | 'misdirected' | 'invalid_request' | 'preview_incomplete' | 'rate_limited' | 'quota_exceeded' | 'internal' | 'database_unavailable' | 'database_busy' | 'partial' | 'outcome_unknown' | 'sign_on_unavailable' | 'shutting_down' | 'unreachable' | 'timed_out' | 'unexpected_answer'

/** How an attempt ended. */
export interface Finished {
  id: number
  status: string
  retry_count: number
  available_at: string | null
}

/** Jobs of the same domain, queue, job type and status. */
export interface Group {
  domain: string
  queue: string
  job_type: string
  status: string
  count: number
  oldest?: string | null | undefined
}

/** The counts of a domain, queue and job type. */
export interface GroupStats {
  domain: string
  queue: string
  job_type: string
  queued: number
  scheduled: number
  processing: number
  quarantined: number
}

/** A hold, which keeps jobs until a time. */
export interface Hold {
  id: number
  filter: Record<string, unknown> | null
  operation_id: number | null
  jobs: number | null
  undo_id: number | null
  until: string
  reason: string | null
  caller: string
  created_at: string
}

/** A job with the names of its columns. Times are ISO 8601 in UTC. */
export interface Job {
  id: number
  uuid: string | null
  domain: string
  queue: string
  job_type: string
  owner_user_id: string | null
  project_id: number | null
  batch_group: string | null
  idempotency_key: string | null
  payload: unknown
  result: unknown
  status: string
  priority: number | null
  max_retries: number | null
  retry_count: number | null
  available_at: string | null
  started_at: string | null
  acquired_at: string | null
  leased_until: string | null
  lease_id: string | null
  worker_id: string | null
  error_message: string | null
  error_code: string | null
  error_class: string | null
  last_error: string | null
  error_stack: unknown
  cancel_requested_at: string | null
  cancelled_at: string | null
  cancellation_reason: string | null
  failure_streak_code: string | null
  failure_streak_count: number | null
  quarantined_at: string | null
  progress_percent: number | null
  progress_message: string | null
  request_id: string | null
  trace_id: string | null
  failure_timeline: unknown
  created_at: string | null
  updated_at: string | null
  completed_at: string | null
}

/** A step of a job, or an act of an operator. */
export interface JobEvent {
  id: number
  job_id?: number | null | undefined
  domain?: string | null | undefined
  queue?: string | null | undefined
  job_type?: string | null | undefined
  event_type: string
  attrs?: unknown | undefined
  owner_user_id?: string | null | undefined
  request_id?: string | null | undefined
  trace_id?: string | null | undefined
  created_at?: string | null | undefined
}

/** A job of a list. */
export interface ListedJob {
  id: number
  uuid: string | null
  domain: string
  queue: string
  job_type: string
  status: string
  priority: number | null
  retry_count: number | null
  max_retries: number | null
  available_at: string | null
  created_at: string | null
  acquired_at: string | null
  started_at: string | null
  leased_until: string | null
  completed_at: string | null
  owner_user_id?: string | null | undefined
  batch_group?: string | null | undefined
  error_code?: string | null | undefined
  worker_id?: string | null | undefined
}

/** The record of a change of many jobs, or of an act. */
export interface OperationRecord {
  id: number
  kind: string
  state: string
  domain: string | null
  queue: string | null
  job_type: string | null
  filters: unknown
  as_of: string
  caller: string
  reason: string | null
  request_id: string | null
  idempotency_key: string | null
  previewed: number | null
  affected: number
  skipped: number | null
  not_reached?: number | null | undefined
  left_for_later?: number | null | undefined
  skipped_by_others?: number | null | undefined
  missing_count?: number | null | undefined
  not_taken_count?: number | null | undefined
  skipped_locked: number
  batches: number
  counts: Record<string, number>
  error: string | null
  started_at: string
  ended_at: string | null
  undoes: number | null
  undone_by: number | null
  undos?: number[] | undefined
  no_way_back?: string | null | undefined
  hash: string | null
  server?: string | null | undefined
}

/** A change that waits for a second person. */
export interface Plan {
  id: number
  state: string
  kind: string
  path: string
  domain: string | null
  queue: string | null
  job_type: string | null
  scope: { domains: string[]; queues: { domain: string; queue: string }[]; job_types: string[]; cascade: boolean } | null
  count: number
  dependents: number
  digest: string
  reason: string
  author: string
  author_principal: string | null
  created_at: string
  expires_at: string
  decision?: 'approved' | 'rejected' | null | undefined
  decided_by: string | null
  decided_principal: string | null
  decided_reason: string | null
  decided_at: string | null
  operation_id: number | null
}

/** What a change would affect. */
export interface Preview {
  token: string
  as_of: string
  expires_at: string
  count: number
  complete?: boolean | undefined
  count_at_least?: number | undefined
  groups: Group[]
  oldest: string | null
  newest: string | null
  owners: { owner_user_id: string | null; count: number }[]
  reasons?: { reason: string; count: number }[] | undefined
  dependents?: number | undefined
  dependents_elsewhere?: number | undefined
  restorable?: number | undefined
  no_way_back?: string | undefined
  kept_by_hold?: number | undefined
  still_matching?: number | undefined
  bytes_estimate: number
  archive_bytes?: number | undefined
  archive_full?: { bytes: number; limit: number } | undefined
  kept_days?: number | null | undefined
  wal_bytes?: number | undefined
  not_watched?: string[] | undefined
  foreign_rows?: { table: string; action: string; rows: number | null }[] | undefined
  foreign_holders?: { table: string; jobs: number; job_id: number }[] | undefined
  sample_ids: number[]
  eta_seconds: number
}

/** How far a change of many jobs is. */
export interface Progress {
  operation_id: number
  affected: number
  total: number | null
  batches: number
  elapsed_ms: number
  counted?: number | undefined
  waiting?: { why: string; name: string; value: number; limit: number; detail: string; seconds: number } | undefined
}

/** A renewed lease. */
export interface Renewed {
  id: number
  leased_until: string
  cancel_requested: boolean
}

/** A token without its secret. */
export interface Token {
  id: string
  name: string
  role: string
  may_enqueue: boolean
  approver: boolean
  may_break_glass: boolean
  scope: { domains: string[]; queues: { domain: string; queue: string }[]; job_types: string[]; cascade: boolean } | null
  max_per_change: number | null
  max_per_day: number | null
  principal: string
  made_by: string | null
  secrets_by: string[]
  created_at: string
  last_used_at: string | null
  last_used_from: string | null
  expires_at: string | null
  suspended_at: string | null
  revoked_at: string | null
  previous_until: string | null
}

export interface StatsInput {
  /** The domain */
  domain?: string | undefined
  /** The queue */
  queue?: string | undefined
  /** The job type */
  job_type?: string | undefined
}

export type StatsOutput = GroupStats[]

export interface PruneInput {
  /** Of `completed`, `failed`, `cancelled`, `quarantined` */
  statuses?: readonly ('completed' | 'failed' | 'cancelled' | 'quarantined')[] | undefined
  /** Days since the job ended */
  older_than_days?: number | undefined
  /** The domain */
  domain?: string | undefined
  /** The queue */
  queue?: string | undefined
  /** The job type */
  job_type?: string | undefined
  /** The owner of the job */
  owner_user_id?: string | undefined
  /** A name that jobs of one batch share */
  batch_group?: string | undefined
  /** The name of the worker */
  worker_id?: string | undefined
  /** What went wrong, for programs; the same code several times in a row ends in quarantine */
  error_code?: string | undefined
  /** What went wrong, for people */
  error?: string | undefined
  /** Created at this time or later */
  created_after?: string | undefined
  /** Created before this time */
  created_before?: string | undefined
  /** Ended at this time or later: the first of `completed_at`, `cancelled_at` and `quarantined_at` */
  ended_after?: string | undefined
  /** Ended before this time */
  ended_before?: string | undefined
  /** Only jobs with at least so many retries */
  min_retries?: number | undefined
  /** `true`: only running jobs whose lease has expired; `false`: all others */
  stale?: boolean | undefined
  /** Only failures of this cluster, as `GET /api/v1/jobs/clusters` has it */
  cluster?: string | undefined
  /** Only these jobs: separated by commas in a query, a list in a body */
  ids?: readonly number[] | undefined
  /** An object for the worker, at most `JOBS_MAX_JSON_BYTES` */
  payload?: readonly { path: string; value: string }[] | undefined
  /** Count, and change nothing */
  dry_run?: boolean | undefined
  /** Refuse, and change nothing, when more jobs match */
  max?: number | undefined
  /** The `token` of a preview: the change touches the jobs of this preview and no others */
  preview_token?: string | undefined
  /** At most so many jobs a second */
  rate?: number | undefined
  /** No batch begins after this time; the change then ends as `partial` */
  until?: string | undefined
  /** Also delete the rows of other tables that foreign keys delete along; no undo gives them back. Without it a prune with such rows is refused */
  with_foreign_rows?: boolean | undefined
  /** Leave out jobs to which rows of other tables refer by a foreign key that forbids their deletion; without it a prune of such jobs is refused */
  pass_over_foreign?: boolean | undefined
  /** Delete the jobs without a copy in the archive: no undo can give them back. The preview and the record say so (`no_way_back`) */
  no_archive?: boolean | undefined
  /** Dry run only: list so many of the largest groups */
  detail_top_k?: number | undefined
  /** Dry run only: count what stays, too, at the cost of reading the finished jobs in scope */
  include_kept?: boolean | undefined
}

export interface PruneOutput {
  deleted: number
  groups?: { domain: string; queue: string; job_type: string; status: string; count: number; oldest?: string | null | undefined; keep?: number | undefined }[] | undefined
  kept?: number | undefined
  already_archived?: { count: number; ids: number[] } | undefined
  passed_over?: number | undefined
  preview?: Preview | undefined
  operation_id?: number | undefined
  batches?: number | undefined
  elapsed_ms?: number | undefined
  dependents?: number | undefined
  dependents_elsewhere?: number | undefined
  skipped?: number | undefined
  skipped_locked?: number | undefined
}

export interface SweepInput {
  /** Queued jobs that were created at least this long ago */
  age_seconds?: number | undefined
  /** Processing jobs that were picked up at least this long ago */
  runtime_seconds?: number | undefined
  /** The state in which the jobs end */
  action?: 'cancel' | 'fail' | undefined
  /** The domain */
  domain?: string | undefined
  /** The queue */
  queue?: string | undefined
  /** The job type */
  job_type?: string | undefined
  /** The owner of the job */
  owner_user_id?: string | undefined
  /** A name that jobs of one batch share */
  batch_group?: string | undefined
  /** The name of the worker */
  worker_id?: string | undefined
  /** What went wrong, for programs; the same code several times in a row ends in quarantine */
  error_code?: string | undefined
  /** What went wrong, for people */
  error?: string | undefined
  /** Created at this time or later */
  created_after?: string | undefined
  /** Created before this time */
  created_before?: string | undefined
  /** Ended at this time or later: the first of `completed_at`, `cancelled_at` and `quarantined_at` */
  ended_after?: string | undefined
  /** Ended before this time */
  ended_before?: string | undefined
  /** Only jobs with at least so many retries */
  min_retries?: number | undefined
  /** `true`: only running jobs whose lease has expired; `false`: all others */
  stale?: boolean | undefined
  /** Only failures of this cluster, as `GET /api/v1/jobs/clusters` has it */
  cluster?: string | undefined
  /** Only these jobs: separated by commas in a query, a list in a body */
  ids?: readonly number[] | undefined
  /** An object for the worker, at most `JOBS_MAX_JSON_BYTES` */
  payload?: readonly { path: string; value: string }[] | undefined
  /** Count, and change nothing */
  dry_run?: boolean | undefined
  /** Refuse, and change nothing, when more jobs match */
  max?: number | undefined
  /** The `token` of a preview: the change touches the jobs of this preview and no others */
  preview_token?: string | undefined
  /** At most so many jobs a second */
  rate?: number | undefined
  /** No batch begins after this time; the change then ends as `partial` */
  until?: string | undefined
}

export interface SweepOutput {
  affected: number
  preview?: Preview | undefined
  operation_id?: number | undefined
  batches?: number | undefined
  elapsed_ms?: number | undefined
  dependents?: number | undefined
  dependents_elsewhere?: number | undefined
  skipped?: number | undefined
  skipped_locked?: number | undefined
}

export interface RequeueInput {
  /** The domain */
  domain: string
  /** The queue */
  queue?: string | undefined
  /** The job type */
  job_type?: string | undefined
  /** The owner of the job */
  owner_user_id?: string | undefined
  /** A name that jobs of one batch share */
  batch_group?: string | undefined
  /** The name of the worker */
  worker_id?: string | undefined
  /** What went wrong, for programs; the same code several times in a row ends in quarantine */
  error_code?: string | undefined
  /** What went wrong, for people */
  error?: string | undefined
  /** Created at this time or later */
  created_after?: string | undefined
  /** Created before this time */
  created_before?: string | undefined
  /** Ended at this time or later: the first of `completed_at`, `cancelled_at` and `quarantined_at` */
  ended_after?: string | undefined
  /** Ended before this time */
  ended_before?: string | undefined
  /** Only jobs with at least so many retries */
  min_retries?: number | undefined
  /** `true`: only running jobs whose lease has expired; `false`: all others */
  stale?: boolean | undefined
  /** Only failures of this cluster, as `GET /api/v1/jobs/clusters` has it */
  cluster?: string | undefined
  /** Only these jobs: separated by commas in a query, a list in a body */
  ids?: readonly number[] | undefined
  /** An object for the worker, at most `JOBS_MAX_JSON_BYTES` */
  payload?: readonly { path: string; value: string }[] | undefined
  /** This job alone */
  job_id?: number | undefined
  /** Count, and change nothing */
  dry_run?: boolean | undefined
  /** Refuse, and change nothing, when more jobs match */
  max?: number | undefined
  /** The `token` of a preview: the change touches the jobs of this preview and no others */
  preview_token?: string | undefined
  /** At most so many jobs a second */
  rate?: number | undefined
  /** No batch begins after this time; the change then ends as `partial` */
  until?: string | undefined
  /** Bring back the jobs that were cancelled because these jobs had ended badly */
  with_dependents?: boolean | undefined
  /** Spread the jobs over this time, so that they do not all run at once */
  spread_seconds?: number | undefined
  /** Requeue only so many; the answer has their ids and a token for the rest */
  limit?: number | undefined
}

export interface RequeueOutput {
  affected: number
  dependents?: number | undefined
  job_ids?: number[] | undefined
  rest_token?: string | undefined
  not_matched?: { id: number; status: string | null }[] | undefined
  missing_count?: number | undefined
  not_taken_count?: number | undefined
  preview?: Preview | undefined
  operation_id?: number | undefined
  batches?: number | undefined
  elapsed_ms?: number | undefined
  dependents_elsewhere?: number | undefined
  skipped?: number | undefined
  skipped_locked?: number | undefined
}

export interface IntegrityInput {
  /** Repair, and not only count */
  fix?: boolean | undefined
  /** The domain */
  domain?: string | undefined
  /** The queue */
  queue?: string | undefined
  /** The job type */
  job_type?: string | undefined
  /** Only jobs in this state, or in one of several that are separated by commas */
  status?: readonly ('queued' | 'processing' | 'completed' | 'failed' | 'cancelled' | 'quarantined')[] | undefined
  /** The owner of the job */
  owner_user_id?: string | undefined
  /** A name that jobs of one batch share */
  batch_group?: string | undefined
  /** The name of the worker */
  worker_id?: string | undefined
  /** What went wrong, for programs; the same code several times in a row ends in quarantine */
  error_code?: string | undefined
  /** What went wrong, for people */
  error?: string | undefined
  /** Created at this time or later */
  created_after?: string | undefined
  /** Created before this time */
  created_before?: string | undefined
  /** Ended at this time or later: the first of `completed_at`, `cancelled_at` and `quarantined_at` */
  ended_after?: string | undefined
  /** Ended before this time */
  ended_before?: string | undefined
  /** Only jobs with at least so many retries */
  min_retries?: number | undefined
  /** `true`: only running jobs whose lease has expired; `false`: all others */
  stale?: boolean | undefined
  /** Only failures of this cluster, as `GET /api/v1/jobs/clusters` has it */
  cluster?: string | undefined
  /** Only these jobs: separated by commas in a query, a list in a body */
  ids?: readonly number[] | undefined
  /** An object for the worker, at most `JOBS_MAX_JSON_BYTES` */
  payload?: readonly { path: string; value: string }[] | undefined
  /** Refuse, and change nothing, when more jobs match */
  max?: number | undefined
  /** The `token` of a preview: the change touches the jobs of this preview and no others */
  preview_token?: string | undefined
  /** At most so many jobs a second */
  rate?: number | undefined
  /** No batch begins after this time; the change then ends as `partial` */
  until?: string | undefined
}

export interface IntegrityOutput {
  non_processing_with_lease: number
  processing_expired: number
  fixed: number
  preview?: Preview | undefined
  operation_id?: number | undefined
  batches?: number | undefined
  elapsed_ms?: number | undefined
  dependents?: number | undefined
  dependents_elsewhere?: number | undefined
  skipped?: number | undefined
  skipped_locked?: number | undefined
}

export interface CancelBatchInput {
  /** The domain */
  domain?: string | undefined
  /** The queue */
  queue?: string | undefined
  /** The job type */
  job_type?: string | undefined
  /** Only jobs in this state, or in one of several that are separated by commas */
  status?: readonly ('queued' | 'processing' | 'completed' | 'failed' | 'cancelled' | 'quarantined')[] | undefined
  /** Only jobs of this owner */
  owner_user_id?: string | undefined
  /** Only jobs of this batch */
  batch_group?: string | undefined
  /** Only jobs that this worker runs, or ran last */
  worker_id?: string | undefined
  /** Only jobs with this error code */
  error_code?: string | undefined
  /** A part of the error message, in upper or lower case */
  error?: string | undefined
  /** Created at this time or later */
  created_after?: string | undefined
  /** Created before this time */
  created_before?: string | undefined
  /** Ended at this time or later: the first of `completed_at`, `cancelled_at` and `quarantined_at` */
  ended_after?: string | undefined
  /** Ended before this time */
  ended_before?: string | undefined
  /** Only jobs with at least so many retries */
  min_retries?: number | undefined
  /** `true`: only running jobs whose lease has expired; `false`: all others */
  stale?: boolean | undefined
  /** Only failures of this cluster, as `GET /api/v1/jobs/clusters` has it */
  cluster?: string | undefined
  /** Only these jobs: separated by commas in a query, a list in a body */
  ids?: readonly number[] | undefined
  /** Only jobs with this value in the payload: a field `payload.<path>`, such as `payload.customer.id=7` in a query */
  payload?: readonly { path: string; value: string }[] | undefined
  /** This job alone */
  job_id?: number | undefined
  /** True for every job that the change can take, in place of a filter */
  all?: boolean | undefined
  /** Count, and change nothing */
  dry_run?: boolean | undefined
  /** Refuse, and change nothing, when more jobs match */
  max?: number | undefined
  /** The `token` of a preview: the change touches the jobs of this preview and no others */
  preview_token?: string | undefined
  /** At most so many jobs a second */
  rate?: number | undefined
  /** No batch begins after this time; the change then ends as `partial` */
  until?: string | undefined
  /** End running jobs now, too; their workers lose the lease */
  force?: boolean | undefined
  /** Kept with each job as `cancellation_reason`; `batch_cancel` when absent */
  reason?: string | undefined
}

export interface CancelBatchOutput {
  affected: number
  cancelled?: number | undefined
  asked?: number | undefined
  not_matched?: { id: number; status: string | null }[] | undefined
  missing_count?: number | undefined
  not_taken_count?: number | undefined
  preview?: Preview | undefined
  operation_id?: number | undefined
  batches?: number | undefined
  elapsed_ms?: number | undefined
  dependents?: number | undefined
  dependents_elsewhere?: number | undefined
  skipped?: number | undefined
  skipped_locked?: number | undefined
}

export interface RetryInput {
  /** The domain */
  domain?: string | undefined
  /** The queue */
  queue?: string | undefined
  /** The job type */
  job_type?: string | undefined
  /** Only jobs in this state, or in one of several that are separated by commas */
  status?: readonly ('queued' | 'processing' | 'completed' | 'failed' | 'cancelled' | 'quarantined')[] | undefined
  /** Only jobs of this owner */
  owner_user_id?: string | undefined
  /** Only jobs of this batch */
  batch_group?: string | undefined
  /** Only jobs that this worker runs, or ran last */
  worker_id?: string | undefined
  /** Only jobs with this error code */
  error_code?: string | undefined
  /** A part of the error message, in upper or lower case */
  error?: string | undefined
  /** Created at this time or later */
  created_after?: string | undefined
  /** Created before this time */
  created_before?: string | undefined
  /** Ended at this time or later: the first of `completed_at`, `cancelled_at` and `quarantined_at` */
  ended_after?: string | undefined
  /** Ended before this time */
  ended_before?: string | undefined
  /** Only jobs with at least so many retries */
  min_retries?: number | undefined
  /** `true`: only running jobs whose lease has expired; `false`: all others */
  stale?: boolean | undefined
  /** Only failures of this cluster, as `GET /api/v1/jobs/clusters` has it */
  cluster?: string | undefined
  /** Only these jobs: separated by commas in a query, a list in a body */
  ids?: readonly number[] | undefined
  /** Only jobs with this value in the payload: a field `payload.<path>`, such as `payload.customer.id=7` in a query */
  payload?: readonly { path: string; value: string }[] | undefined
  /** This job alone */
  job_id?: number | undefined
  /** True for every job that the change can take, in place of a filter */
  all?: boolean | undefined
  /** Count, and change nothing */
  dry_run?: boolean | undefined
  /** Refuse, and change nothing, when more jobs match */
  max?: number | undefined
  /** The `token` of a preview: the change touches the jobs of this preview and no others */
  preview_token?: string | undefined
  /** At most so many jobs a second */
  rate?: number | undefined
  /** No batch begins after this time; the change then ends as `partial` */
  until?: string | undefined
  /** Bring back the jobs that were cancelled because these jobs had ended badly */
  with_dependents?: boolean | undefined
  /** Spread the jobs over this time, so that they do not all run at once */
  spread_seconds?: number | undefined
  /** Leave the number of retries and the streak of equal failures as they are */
  keep_retries?: boolean | undefined
  /** Takes only failed jobs whose retries are not used up, as the other server does; the default is all failed jobs */
  with_retries_left?: boolean | undefined
  /** False makes queued jobs due at once, too, that are due later */
  only_failed?: boolean | undefined
  /** Takes quarantined jobs, too, in the same operation */
  also_quarantined?: boolean | undefined
  /** Retry only so many; the answer has their ids and a token for the rest */
  limit?: number | undefined
}

export interface RetryOutput {
  affected: number
  dependents?: number | undefined
  job_ids?: number[] | undefined
  rest_token?: string | undefined
  not_matched?: { id: number; status: string | null }[] | undefined
  missing_count?: number | undefined
  not_taken_count?: number | undefined
  preview?: Preview | undefined
  operation_id?: number | undefined
  batches?: number | undefined
  elapsed_ms?: number | undefined
  dependents_elsewhere?: number | undefined
  skipped?: number | undefined
  skipped_locked?: number | undefined
}

export interface ReclaimInput {
  /** The domain */
  domain?: string | undefined
  /** The queue */
  queue?: string | undefined
  /** The job type */
  job_type?: string | undefined
  /** Only jobs in this state, or in one of several that are separated by commas */
  status?: readonly ('queued' | 'processing' | 'completed' | 'failed' | 'cancelled' | 'quarantined')[] | undefined
  /** Only jobs of this owner */
  owner_user_id?: string | undefined
  /** Only jobs of this batch */
  batch_group?: string | undefined
  /** Only jobs that this worker runs, or ran last */
  worker_id?: string | undefined
  /** Only jobs with this error code */
  error_code?: string | undefined
  /** A part of the error message, in upper or lower case */
  error?: string | undefined
  /** Created at this time or later */
  created_after?: string | undefined
  /** Created before this time */
  created_before?: string | undefined
  /** Ended at this time or later: the first of `completed_at`, `cancelled_at` and `quarantined_at` */
  ended_after?: string | undefined
  /** Ended before this time */
  ended_before?: string | undefined
  /** Only jobs with at least so many retries */
  min_retries?: number | undefined
  /** `true`: only running jobs whose lease has expired; `false`: all others */
  stale?: boolean | undefined
  /** Only failures of this cluster, as `GET /api/v1/jobs/clusters` has it */
  cluster?: string | undefined
  /** Only these jobs: separated by commas in a query, a list in a body */
  ids?: readonly number[] | undefined
  /** Only jobs with this value in the payload: a field `payload.<path>`, such as `payload.customer.id=7` in a query */
  payload?: readonly { path: string; value: string }[] | undefined
  /** This job alone */
  job_id?: number | undefined
  /** True for every job that the change can take, in place of a filter */
  all?: boolean | undefined
  /** Count, and change nothing */
  dry_run?: boolean | undefined
  /** Refuse, and change nothing, when more jobs match */
  max?: number | undefined
  /** The `token` of a preview: the change touches the jobs of this preview and no others */
  preview_token?: string | undefined
  /** At most so many jobs a second */
  rate?: number | undefined
  /** No batch begins after this time; the change then ends as `partial` */
  until?: string | undefined
  /** Running jobs of all workers whose id begins with this text */
  worker_prefix?: string | undefined
  /** Count one failed attempt with the code `lease_expired` */
  count_attempt?: boolean | undefined
}

export interface ReclaimOutput {
  affected: number
  not_matched?: { id: number; status: string | null }[] | undefined
  missing_count?: number | undefined
  not_taken_count?: number | undefined
  preview?: Preview | undefined
  operation_id?: number | undefined
  batches?: number | undefined
  elapsed_ms?: number | undefined
  dependents?: number | undefined
  dependents_elsewhere?: number | undefined
  skipped?: number | undefined
  skipped_locked?: number | undefined
}

export interface RescheduleInput {
  /** The domain */
  domain?: string | undefined
  /** The queue */
  queue?: string | undefined
  /** The job type */
  job_type?: string | undefined
  /** Only jobs in this state, or in one of several that are separated by commas */
  status?: readonly ('queued' | 'processing' | 'completed' | 'failed' | 'cancelled' | 'quarantined')[] | undefined
  /** Only jobs of this owner */
  owner_user_id?: string | undefined
  /** Only jobs of this batch */
  batch_group?: string | undefined
  /** Only jobs that this worker runs, or ran last */
  worker_id?: string | undefined
  /** Only jobs with this error code */
  error_code?: string | undefined
  /** A part of the error message, in upper or lower case */
  error?: string | undefined
  /** Created at this time or later */
  created_after?: string | undefined
  /** Created before this time */
  created_before?: string | undefined
  /** Ended at this time or later: the first of `completed_at`, `cancelled_at` and `quarantined_at` */
  ended_after?: string | undefined
  /** Ended before this time */
  ended_before?: string | undefined
  /** Only jobs with at least so many retries */
  min_retries?: number | undefined
  /** `true`: only running jobs whose lease has expired; `false`: all others */
  stale?: boolean | undefined
  /** Only failures of this cluster, as `GET /api/v1/jobs/clusters` has it */
  cluster?: string | undefined
  /** Only these jobs: separated by commas in a query, a list in a body */
  ids?: readonly number[] | undefined
  /** Only jobs with this value in the payload: a field `payload.<path>`, such as `payload.customer.id=7` in a query */
  payload?: readonly { path: string; value: string }[] | undefined
  /** This job alone */
  job_id?: number | undefined
  /** True for every job that the change can take, in place of a filter */
  all?: boolean | undefined
  /** Count, and change nothing */
  dry_run?: boolean | undefined
  /** Refuse, and change nothing, when more jobs match */
  max?: number | undefined
  /** The `token` of a preview: the change touches the jobs of this preview and no others */
  preview_token?: string | undefined
  /** At most so many jobs a second */
  rate?: number | undefined
  /** No batch begins after this time; the change then ends as `partial` */
  until?: string | undefined
  /** So many seconds from now */
  delay_seconds?: number | undefined
  /** The jobs can run from this time on */
  available_at?: string | undefined
  /** So many seconds later than planned; less than 0 is earlier */
  by_seconds?: number | undefined
  /** Spread the jobs over this time, so that they do not all run at once */
  spread_seconds?: number | undefined
}

export interface RescheduleOutput {
  affected: number
  not_matched?: { id: number; status: string | null }[] | undefined
  missing_count?: number | undefined
  not_taken_count?: number | undefined
  preview?: Preview | undefined
  operation_id?: number | undefined
  batches?: number | undefined
  elapsed_ms?: number | undefined
  dependents?: number | undefined
  dependents_elsewhere?: number | undefined
  skipped?: number | undefined
  skipped_locked?: number | undefined
}

export interface RescheduleShiftInput {
  /** The domain */
  domain?: string | undefined
  /** The queue */
  queue?: string | undefined
  /** The job type */
  job_type?: string | undefined
  /** Only jobs in this state, or in one of several that are separated by commas */
  status?: readonly ('queued' | 'processing' | 'completed' | 'failed' | 'cancelled' | 'quarantined')[] | undefined
  /** Only jobs of this owner */
  owner_user_id?: string | undefined
  /** Only jobs of this batch */
  batch_group?: string | undefined
  /** Only jobs that this worker runs, or ran last */
  worker_id?: string | undefined
  /** Only jobs with this error code */
  error_code?: string | undefined
  /** A part of the error message, in upper or lower case */
  error?: string | undefined
  /** Created at this time or later */
  created_after?: string | undefined
  /** Created before this time */
  created_before?: string | undefined
  /** Ended at this time or later: the first of `completed_at`, `cancelled_at` and `quarantined_at` */
  ended_after?: string | undefined
  /** Ended before this time */
  ended_before?: string | undefined
  /** Only jobs with at least so many retries */
  min_retries?: number | undefined
  /** `true`: only running jobs whose lease has expired; `false`: all others */
  stale?: boolean | undefined
  /** Only failures of this cluster, as `GET /api/v1/jobs/clusters` has it */
  cluster?: string | undefined
  /** Only these jobs: separated by commas in a query, a list in a body */
  ids?: readonly number[] | undefined
  /** Only jobs with this value in the payload: a field `payload.<path>`, such as `payload.customer.id=7` in a query */
  payload?: readonly { path: string; value: string }[] | undefined
  /** This job alone */
  job_id?: number | undefined
  /** True for every job that the change can take, in place of a filter */
  all?: boolean | undefined
  /** Count, and change nothing */
  dry_run?: boolean | undefined
  /** Refuse, and change nothing, when more jobs match */
  max?: number | undefined
  /** The `token` of a preview: the change touches the jobs of this preview and no others */
  preview_token?: string | undefined
  /** At most so many jobs a second */
  rate?: number | undefined
  /** No batch begins after this time; the change then ends as `partial` */
  until?: string | undefined
  /** True makes the jobs due now */
  set_now?: boolean | undefined
  /** With `set_now: false`: so many seconds later than planned; less than 0 is earlier */
  delta_seconds?: number | undefined
}

export interface RescheduleShiftOutput {
  affected: number
  not_matched?: { id: number; status: string | null }[] | undefined
  missing_count?: number | undefined
  not_taken_count?: number | undefined
  preview?: Preview | undefined
  operation_id?: number | undefined
  batches?: number | undefined
  elapsed_ms?: number | undefined
  dependents?: number | undefined
  dependents_elsewhere?: number | undefined
  skipped?: number | undefined
  skipped_locked?: number | undefined
}

export interface SetPriorityInput {
  /** The domain */
  domain?: string | undefined
  /** The queue */
  queue?: string | undefined
  /** The job type */
  job_type?: string | undefined
  /** Only jobs in this state, or in one of several that are separated by commas */
  status?: readonly ('queued' | 'processing' | 'completed' | 'failed' | 'cancelled' | 'quarantined')[] | undefined
  /** Only jobs of this owner */
  owner_user_id?: string | undefined
  /** Only jobs of this batch */
  batch_group?: string | undefined
  /** Only jobs that this worker runs, or ran last */
  worker_id?: string | undefined
  /** Only jobs with this error code */
  error_code?: string | undefined
  /** A part of the error message, in upper or lower case */
  error?: string | undefined
  /** Created at this time or later */
  created_after?: string | undefined
  /** Created before this time */
  created_before?: string | undefined
  /** Ended at this time or later: the first of `completed_at`, `cancelled_at` and `quarantined_at` */
  ended_after?: string | undefined
  /** Ended before this time */
  ended_before?: string | undefined
  /** Only jobs with at least so many retries */
  min_retries?: number | undefined
  /** `true`: only running jobs whose lease has expired; `false`: all others */
  stale?: boolean | undefined
  /** Only failures of this cluster, as `GET /api/v1/jobs/clusters` has it */
  cluster?: string | undefined
  /** Only these jobs: separated by commas in a query, a list in a body */
  ids?: readonly number[] | undefined
  /** Only jobs with this value in the payload: a field `payload.<path>`, such as `payload.customer.id=7` in a query */
  payload?: readonly { path: string; value: string }[] | undefined
  /** This job alone */
  job_id?: number | undefined
  /** True for every job that the change can take, in place of a filter */
  all?: boolean | undefined
  /** Count, and change nothing */
  dry_run?: boolean | undefined
  /** Refuse, and change nothing, when more jobs match */
  max?: number | undefined
  /** The `token` of a preview: the change touches the jobs of this preview and no others */
  preview_token?: string | undefined
  /** At most so many jobs a second */
  rate?: number | undefined
  /** No batch begins after this time; the change then ends as `partial` */
  until?: string | undefined
  /** A job with a lower number runs first */
  priority: number
}

export interface SetPriorityOutput {
  affected: number
  not_matched?: { id: number; status: string | null }[] | undefined
  missing_count?: number | undefined
  not_taken_count?: number | undefined
  preview?: Preview | undefined
  operation_id?: number | undefined
  batches?: number | undefined
  elapsed_ms?: number | undefined
  dependents?: number | undefined
  dependents_elsewhere?: number | undefined
  skipped?: number | undefined
  skipped_locked?: number | undefined
}

export interface UndoInput {
  /** Count, and change nothing */
  dry_run?: boolean | undefined
  /** Refuse, and change nothing, when more jobs match */
  max?: number | undefined
  /** The `token` of a preview: the change touches the jobs of this preview and no others */
  preview_token?: string | undefined
  /** At most so many jobs a second */
  rate?: number | undefined
  /** No batch begins after this time; the change then ends as `partial` */
  until?: string | undefined
  /** The id of the operation to take back */
  id: number
  /** Only jobs of this domain: a part of the operation */
  domain?: string | undefined
  /** Only jobs of this queue */
  queue?: string | undefined
  /** Only jobs of this type */
  job_type?: string | undefined
  /** Only these jobs of the operation */
  ids?: readonly number[] | undefined
  /** Until when prune and sweep pass over what is given back, at most 3,650 days from now; `JOBS_ARCHIVE_DAYS` when absent */
  hold_until?: string | undefined
}

export interface UndoOutput {
  affected: number
  withdrawn?: number | undefined
  conflict_count: number
  conflicts: { job_id: number; reason: string }[]
  conflict_reasons?: { reason: string; count: number }[] | undefined
  hold_id?: number | undefined
  held_until?: string | undefined
  preview?: Preview | undefined
  operation_id?: number | undefined
  batches?: number | undefined
  elapsed_ms?: number | undefined
  dependents?: number | undefined
  dependents_elsewhere?: number | undefined
  skipped?: number | undefined
  skipped_locked?: number | undefined
}

export interface EraseInput {
  /** The domain */
  domain?: string | undefined
  /** The queue */
  queue?: string | undefined
  /** The job type */
  job_type?: string | undefined
  /** The owner of the job */
  owner_user_id?: string | undefined
  /** Only these jobs: separated by commas in a query, a list in a body */
  ids?: readonly number[] | undefined
  /** An object for the worker, at most `JOBS_MAX_JSON_BYTES` */
  payload?: readonly { path: string; value: string }[] | undefined
  /** Count, and change nothing */
  dry_run?: boolean | undefined
  /** Refuse, and change nothing, when more jobs match */
  max?: number | undefined
  /** The `token` of a preview: the change touches the jobs of this preview and no others */
  preview_token?: string | undefined
  /** At most so many jobs a second */
  rate?: number | undefined
  /** No batch begins after this time; the change then ends as `partial` */
  until?: string | undefined
  /** Also delete the rows of other tables that foreign keys delete along; no undo gives them back. Without it a prune with such rows is refused */
  with_foreign_rows?: boolean | undefined
}

export interface EraseOutput {
  affected: number
  erased?: { jobs: number; archived: number; gone: number; row_images: number; attachments: number; events: number } | undefined
  passed_over: { running: number; held: number; holds?: { id: number; undo_id: number | null; jobs: number }[] | undefined; unreadable: number } | null
  named_in: { count: number; operations: number[] } | null
  not_touched?: { table: string; rows: number | null }[] | undefined
  marks?: number | null | undefined
  worker_names?: number | null | undefined
  filter_hash: string
  preview?: Preview | undefined
  operation_id?: number | undefined
  batches?: number | undefined
  elapsed_ms?: number | undefined
  dependents?: number | undefined
  dependents_elsewhere?: number | undefined
  skipped?: number | undefined
  skipped_locked?: number | undefined
}

export interface ExportOperationsInput {
  /** Only failures at this time or later */
  since?: string | undefined
  /** No batch begins after this time; the change then ends as `partial` */
  until?: string | undefined
  /** Only events after this id; 0 means from the beginning */
  after_id?: number | undefined
  /** The most rows to answer */
  limit?: number | undefined
}

export type ExportOperationsOutput = { id: number; kind: string; day: string; number: number; previous: string | null; sealed: string | null; hash: string }[]

export interface ListOperationsInput {
  /** The domain */
  domain?: string | undefined
  /** The queue */
  queue?: string | undefined
  /** The job type */
  job_type?: string | undefined
  /** Only records of this kind; `changes` are all bulk changes, and `acts` all other ones */
  kind?: 'prune' | 'sweep' | 'requeue' | 'integrity' | 'undo' | 'cancel' | 'retry' | 'reclaim' | 'reschedule' | 'priority' | 'erase' | 'token.created' | 'token.role_set' | 'token.scope_set' | 'token.limits_set' | 'token.rotated' | 'token.suspended' | 'token.resumed' | 'token.revoked' | 'session.opened' | 'session.ended' | 'caller.blocked' | 'caller.unblocked' | 'queue.paused' | 'queue.drained' | 'queue.resumed' | 'limits.set' | 'limits.deleted' | 'hold.added' | 'hold.removed' | 'operation.kept' | 'policy.applied' | 'operation.reviewed' | 'plan.approved' | 'plan.rejected' | 'approval.set' | 'database.frozen' | 'database.thawed' | 'database.adopted' | 'preview_key.rotated' | 'changes' | 'acts' | undefined
  /** Only operations in this state */
  state?: 'running' | 'done' | 'partial' | 'failed' | 'undone' | undefined
  /** Only operations of this caller */
  caller?: string | undefined
  /** Only operations that began at this time or later */
  since?: string | undefined
  /** Only operations before this id, to turn the page */
  before_id?: number | undefined
  /** The most rows to answer */
  limit?: number | undefined
}

export type ListOperationsOutput = OperationRecord[]

export interface GetOperationInput {
  /** The id of the operation */
  id: number
}

export interface GetOperationOutput extends OperationRecord {
  now: Record<string, number>
}

export interface StopOperationInput {
  /** The id of the operation */
  id: number
}

export interface StopOperationOutput {
  id: number
  state: string
  stop_requested: boolean
}

export interface ListConflictsInput {
  /** The id of the operation */
  id: number
  /** Only jobs of this domain */
  domain?: string | undefined
  /** Only jobs of this queue */
  queue?: string | undefined
  /** Only jobs of this type */
  job_type?: string | undefined
  /** Only jobs with a higher id, for the next page */
  after_id?: number | undefined
}

export interface ListConflictsOutput {
  conflicts: { job_id: number; reason: string }[]
  next_after_id: number | null
}

export interface KeepOperationInput {
  /** The id of the operation */
  id: number
  /** The time up to which its jobs and row images are kept, rounded up to whole days since its end, at most 3,650 */
  until: string
}

export interface KeepOperationOutput {
  id: number
  kept_until: string
}

export type ListEventCursorsInput = Readonly<Record<string, never>>

export type ListEventCursorsOutput = { name: string; after_id: number; caller: string; moved_at: string; next_event_at: string | null }[]

export interface MoveEventCursorInput {
  /** A letter or a digit, then letters, digits and `_ . : -`, at most 64 */
  name: string
  /** The id of the last event that the reader has dealt with */
  after_id: number
}

export interface MoveEventCursorOutput {
  name: string
  after_id: number
  caller: string
  moved_at: string
  next_event_at: string | null
}

export interface RemoveEventCursorInput {
  /** The name of the cursor */
  name: string
}

export interface RemoveEventCursorOutput {
  name: string
  after_id: number
  caller: string
  moved_at: string
  next_event_at: string | null
}

export type ShowPolicyInput = Readonly<Record<string, never>>

export interface ShowPolicyOutput {
  revision: number
  applied: { caller: string; name: string; at: string; reason: string | null; plan?: number | undefined } | null
  problem: string | null
  author_until: string | null
  rules: { name: string; rule: { name: string; domain?: string | undefined; queue?: string | undefined; job_type?: string | undefined; all?: true | undefined; prune?: { statuses: ('completed' | 'failed' | 'cancelled' | 'quarantined')[]; older_than_days: number } | undefined; sweep?: { age_seconds?: number | undefined; runtime_seconds?: number | undefined; action: 'cancel' | 'fail' } | undefined; at: string; time_zone: string; max: number; mode: 'apply' | 'report'; approval_above?: number | undefined }; next_at: string; last: { due_at: string; began_at: string; ended_at: string | null; state: string; operation_id: number | null; matched: number | null; complete: boolean; affected: number; left: number; missed: number; problem: string | null } | null }[]
  broken?: { name: string; problem: string }[] | undefined
}

export interface ApplyPolicyInput {
  /** At most 100 rules; none ends the policy */
  rules: readonly { name: string; domain?: string | undefined; queue?: string | undefined; job_type?: string | undefined; all?: true | undefined; prune?: { statuses: readonly ('completed' | 'failed' | 'cancelled' | 'quarantined')[]; older_than_days: number } | undefined; sweep?: { age_seconds?: number | undefined; runtime_seconds?: number | undefined; action: 'cancel' | 'fail' } | undefined; at: string; time_zone: string; max: number; mode: 'apply' | 'report'; approval_above?: number | undefined }[]
  /** The revision that it replaces, 0 for the first policy */
  revision: number
  /** Count, and change nothing */
  dry_run?: boolean | undefined
}

export interface ApplyPolicyOutput {
  revision: number
  applied: { caller: string; name: string; at: string; reason: string | null; plan?: number | undefined } | null
  problem: string | null
  author_until: string | null
  rules: { name: string; rule: { name: string; domain?: string | undefined; queue?: string | undefined; job_type?: string | undefined; all?: true | undefined; prune?: { statuses: ('completed' | 'failed' | 'cancelled' | 'quarantined')[]; older_than_days: number } | undefined; sweep?: { age_seconds?: number | undefined; runtime_seconds?: number | undefined; action: 'cancel' | 'fail' } | undefined; at: string; time_zone: string; max: number; mode: 'apply' | 'report'; approval_above?: number | undefined }; next_at: string; last: { due_at: string; began_at: string; ended_at: string | null; state: string; operation_id: number | null; matched: number | null; complete: boolean; affected: number; left: number; missed: number; problem: string | null } | null }[]
  broken?: { name: string; problem: string }[] | undefined
  first_runs?: { name: string; next_at: string; matched: number | null; complete: boolean; would_change: number | null; at_most?: number | undefined }[] | undefined
  would_change?: boolean | undefined
}

export interface AddHoldInput {
  /** The domain */
  domain?: string | undefined
  /** The queue */
  queue?: string | undefined
  /** The job type */
  job_type?: string | undefined
  /** Only jobs in this state, or in one of several that are separated by commas */
  status?: readonly ('queued' | 'processing' | 'completed' | 'failed' | 'cancelled' | 'quarantined')[] | undefined
  /** Only jobs of this owner */
  owner_user_id?: string | undefined
  /** Only jobs of this batch */
  batch_group?: string | undefined
  /** Only jobs that this worker runs, or ran last */
  worker_id?: string | undefined
  /** Only jobs with this error code */
  error_code?: string | undefined
  /** A part of the error message, in upper or lower case */
  error?: string | undefined
  /** Created at this time or later */
  created_after?: string | undefined
  /** Created before this time */
  created_before?: string | undefined
  /** Ended at this time or later: the first of `completed_at`, `cancelled_at` and `quarantined_at` */
  ended_after?: string | undefined
  /** Ended before this time */
  ended_before?: string | undefined
  /** Only jobs with at least so many retries */
  min_retries?: number | undefined
  /** `true`: only running jobs whose lease has expired; `false`: all others */
  stale?: boolean | undefined
  /** Only failures of this cluster, as `GET /api/v1/jobs/clusters` has it */
  cluster?: string | undefined
  /** Only jobs with this value in the payload: a field `payload.<path>`, such as `payload.customer.id=7` in a query */
  payload?: readonly { path: string; value: string }[] | undefined
  /** These jobs, whether they exist or are in the archive, at most 1,000,000 */
  ids?: readonly number[] | undefined
  /** True for every job, in place of a filter */
  all?: boolean | undefined
  /** The archived jobs and row images of this operation, and jobs that still exist */
  operation_id?: number | undefined
  /** When the hold ends, at most 3,650 days from now */
  until: string
}

export interface AddHoldOutput {
  id: number
  filter: Record<string, unknown> | null
  operation_id: number | null
  jobs: number | null
  undo_id: number | null
  until: string
  reason: string | null
  caller: string
  created_at: string
}

export interface ListHoldsInput {
  /** Only holds before this id, to turn the page */
  before_id?: number | undefined
  /** The most rows to answer */
  limit?: number | undefined
}

export type ListHoldsOutput = Hold[]

export interface RemoveHoldInput {
  /** The id of the hold */
  id: number
}

export interface RemoveHoldOutput {
  id: number
  filter: Record<string, unknown> | null
  operation_id: number | null
  jobs: number | null
  undo_id: number | null
  until: string
  reason: string | null
  caller: string
  created_at: string
}

export interface FollowOperationInput {
  /** The id of the operation */
  id: number
}

export type FollowOperationOutput = Record<string, unknown>

export interface VerifyOperationsInput {
  /** The hash of a record, kept elsewhere, which the chain must still contain */
  expect?: string | undefined
}

export interface VerifyOperationsOutput {
  ok: boolean
  operations: number
  days: { day: string; operations: number; broken: number[]; missing: number }[]
  head?: string | null | undefined
  without_event?: number | undefined
  events_since?: string | null | undefined
  not_sealed?: string[] | undefined
  expected?: boolean | undefined
}

export interface ListArchiveInput {
  /** The domain */
  domain?: string | undefined
  /** The queue */
  queue?: string | undefined
  /** The job type */
  job_type?: string | undefined
  /** Only operations before this id, to turn the page */
  before_id?: number | undefined
  /** The most rows to answer */
  limit?: number | undefined
}

export type ListArchiveOutput = { operation_id: number; kind: string; state: string; domain: string | null; queue: string | null; job_type: string | null; caller: string; reason: string | null; ended_at: string | null; jobs: number; kept_until: string | null }[]

export interface ArchiveMetaInput {
  /** The id of the archived job */
  job_id: number
  /** The domain that the job must have */
  domain?: string | undefined
}

export interface ArchiveMetaOutput {
  job_id: number
  payload_present: boolean
  result_present: boolean
  payload_compressed_present: boolean
  result_compressed_present: boolean
}

export interface ListJobsInput {
  /** The domain */
  domain?: string | undefined
  /** The queue */
  queue?: string | undefined
  /** The job type */
  job_type?: string | undefined
  /** Only jobs in this state, or in one of several that are separated by commas */
  status?: readonly ('queued' | 'processing' | 'completed' | 'failed' | 'cancelled' | 'quarantined')[] | undefined
  /** Only jobs of this owner */
  owner_user_id?: string | undefined
  /** Only jobs of this batch */
  batch_group?: string | undefined
  /** Only jobs that this worker runs, or ran last */
  worker_id?: string | undefined
  /** Only jobs with this error code */
  error_code?: string | undefined
  /** A part of the error message, in upper or lower case */
  error?: string | undefined
  /** Created at this time or later */
  created_after?: string | undefined
  /** Created before this time */
  created_before?: string | undefined
  /** Ended at this time or later: the first of `completed_at`, `cancelled_at` and `quarantined_at` */
  ended_after?: string | undefined
  /** Ended before this time */
  ended_before?: string | undefined
  /** Only jobs with at least so many retries */
  min_retries?: number | undefined
  /** `true`: only running jobs whose lease has expired; `false`: all others */
  stale?: boolean | undefined
  /** Only failures of this cluster, as `GET /api/v1/jobs/clusters` has it */
  cluster?: string | undefined
  /** Only these jobs: separated by commas in a query, a list in a body */
  ids?: readonly number[] | undefined
  /** Only jobs with this value in the payload: a field `payload.<path>`, such as `payload.customer.id=7` in a query */
  payload?: readonly { path: string; value: string }[] | undefined
  /** `created_at`, `priority`, `status`, `completed_at` or `ended_at`; jobs without the key come last, by their creation. By `priority` and `status` the newest jobs are sorted first, as many as are read in 200 ms and 50,000 at most, then the next ones */
  sort_by?: 'created_at' | 'priority' | 'status' | 'completed_at' | 'ended_at' | undefined
  /** `asc` or `desc`; equal keys are in the order of their ids */
  sort_order?: 'asc' | 'desc' | undefined
  /** The most rows to answer */
  limit?: number | undefined
  /** Where the page begins: part of a URL of the header `Link` */
  cursor?: string | undefined
}

export type ListJobsOutput = ListedJob[]

export interface FailureClustersInput {
  /** The domain */
  domain?: string | undefined
  /** The queue */
  queue?: string | undefined
  /** The job type */
  job_type?: string | undefined
  /** `failed`, `quarantined`, or `retrying`: queued jobs that have failed before */
  status?: 'quarantined' | 'failed' | 'retrying' | undefined
  /** Only failures at this time or later */
  since?: string | undefined
  /** Only failures before this time */
  until?: string | undefined
  /** The most clusters to answer */
  limit?: number | undefined
}

export interface FailureClustersOutput {
  clusters: { cluster: string; status: string | null; error_code: string | null; pattern: string | null; count: number; groups: { domain: string; queue: string; job_type: string; count: number }[]; owners: { owner_user_id: string | null; count: number }[]; first_seen: string | null; last_seen: string | null; per_minute: number; sample_ids: number[]; domains?: { domain: string; count: number }[] | undefined; domain_count?: number | undefined; queue_count?: number | undefined; group_count?: number | undefined; owner_count?: number | undefined; at_least?: boolean | undefined }[]
  expired_leases: { worker_id: string | null; job_type: string; count: number; oldest: string | null }[]
  not_read?: { state: 'quarantined' | 'failed' | 'retrying'; before: string | null }[] | undefined
}

export interface JobByKeyInput {
  /** The domain */
  domain: string
  /** The queue */
  queue?: string | undefined
  /** The job type */
  job_type: string
  /** The key with which the job was enqueued */
  idempotency_key: string
}

export interface JobByKeyOutput {
  id: number
  uuid: string | null
  domain: string
  queue: string
  job_type: string
  status: string
  priority: number | null
  retry_count: number | null
  max_retries: number | null
  available_at: string | null
  created_at: string | null
  acquired_at: string | null
  started_at: string | null
  leased_until: string | null
  completed_at: string | null
  owner_user_id?: string | null | undefined
  batch_group?: string | null | undefined
  error_code?: string | null | undefined
  worker_id?: string | null | undefined
}

export interface ShowJobInput {
  /** The id of the job */
  id: number
  /** The domain */
  domain?: string | undefined
  /** `true` masks values whose names look secret (`JOBS_REDACT_KEYS`); absent means `true` for a token with a role, and `false` for the single-user key and a token without one */
  redact?: boolean | undefined
}

export interface ShowJobOutput {
  id: number
  uuid: string | null
  domain: string | null
  queue: string | null
  job_type: string | null
  status: string | null
  payload: unknown
  result: unknown
  archived: boolean
  lease_fingerprint?: string | null | undefined
  hidden?: string[] | undefined
  dependencies?: { depends_on: { uuid: string; id: number | null; status: string | null; archived: boolean }[]; dependents: { uuid: string; id: number | null; status: string | null; archived: boolean }[] } | undefined
  attachments?: { id: number; kind: string; content_text: string | null; url: string | null; created_at: string | null }[] | undefined
  events?: { id: number; event_type: string; attrs: unknown; request_id: string | null; created_at: string | null }[] | undefined
  [name: string]: unknown
}

export interface ExplainJobInput {
  /** The id of the job */
  id: number
  /** The domain */
  domain?: string | undefined
}

export interface ExplainJobOutput {
  id: number
  domain: string | null
  queue: string | null
  job_type: string | null
  status: string | null
  archived: boolean
  as_of: string
  sentence: string
  reasons: { code: string; title: string; sentence: string; facts: Record<string, unknown>; remedy: { http: { method: string; path: string; body: Record<string, unknown>; confirm: boolean }; jobsctl: string[] | null } | null }[]
  place: { ahead: number; exact: boolean; sentence: string } | null
}

export interface ExplainQueueInput {
  /** The domain */
  domain: string
  /** The queue */
  queue: string
}

export interface ExplainQueueOutput {
  domain: string
  queue: string
  as_of: string
  due: number
  scheduled: number
  processing: number
  quarantined: number
  leased: number
  workers: number
  oldest_wait: { id: number; due_since: string; seconds: number } | null
  sentence: string
  reasons: { code: string; title: string; sentence: string; facts: Record<string, unknown>; remedy: { http: { method: string; path: string; body: Record<string, unknown>; confirm: boolean }; jobsctl: string[] | null } | null }[]
}

export interface ListWorkersInput {
  /** The domain */
  domain?: string | undefined
  /** The queue */
  queue?: string | undefined
}

export type ListWorkersOutput = { worker_id: string | null; leases: number; expired: number; oldest_lease_at: string | null; last_asked_at: string | null; last_acquired_at: string | null; last_renewed_at: string | null; done_15m: number; failed_15m: number; queues: { domain: string; queue: string }[] }[]

export interface HistoryInput {
  /** The domain */
  domain?: string | undefined
  /** The queue */
  queue?: string | undefined
  /** The job type */
  job_type?: string | undefined
  /** From the step that this time is in; 24 hours before `to` when absent */
  from?: string | undefined
  /** To the end of the step before this time; now when absent */
  to?: string | undefined
  /** How long a point is; the shortest with at most 60 points when absent. Below `1h` only the last 7 days can be asked for */
  step?: '1m' | '5m' | '15m' | '1h' | '6h' | '1d' | undefined
}

export interface HistoryOutput {
  kept: boolean
  why: string | null
  triggers?: { trigger: string; table: string; state: string }[] | undefined
  since: string | null
  from: string
  to: string
  step_seconds: number
  bounds: number[]
  gaps: { from: string; to: string }[]
  marks: { id: number; text: string; at: string; caller: string }[]
  points: { at: string; created: number; acquired: number; completed: number; failed: number; quarantined: number; cancelled: number; returned: number; revived: number; restored: number; other: number; wait: { jobs: number; seconds: number; buckets: number[] }; run: { jobs: number; seconds: number; buckets: number[] } }[]
}

export interface AddMarkInput {
  /** What happened, 1 to 200 characters */
  text: string
}

export interface AddMarkOutput {
  id: number
  text: string
  at: string
  caller: string
}

export interface ListMarksInput {
  /** Only marks with this very text */
  text?: string | undefined
  /** At most this many */
  limit?: number | undefined
}

export type ListMarksOutput = { id: number; text: string; at: string; caller: string }[]

export interface ListAttachmentsInput {
  /** The id of the job */
  id: number
  /** The domain that the job must have */
  domain?: string | undefined
  /** Only attachments after this id, to turn the page */
  after_id?: number | undefined
  /** The most rows to answer */
  limit?: number | undefined
  /** `true` masks values whose names look secret (`JOBS_REDACT_KEYS`); absent means `true` for a token with a role, and `false` for the single-user key and a token without one */
  redact?: boolean | undefined
}

export type ListAttachmentsOutput = { id: number; kind: string | null; content_text: string | null; url: string | null; created_at: string | null }[]

export interface AddAttachmentInput {
  /** The id of the job */
  id: number
  /** The domain that the job must have */
  domain?: string | undefined
  /** `log`, `artifact` or `tag` */
  kind: 'log' | 'artifact' | 'tag'
  /** The text, at most 1 MiB of UTF-8; a text or a URL is needed */
  content_text?: string | undefined
  /** Where the attachment is, by http or https */
  url?: string | undefined
}

export interface AddAttachmentOutput {
  id: number
  kind: string | null
  content_text: string | null
  url: string | null
  created_at: string | null
}

export interface EnqueueInput {
  /** The domain */
  domain: string
  /** The queue */
  queue?: string | undefined
  /** The job type */
  job_type: string
  /** An object for the worker, at most `JOBS_MAX_JSON_BYTES` */
  payload: object
  /** The owner of the job */
  owner_user_id?: string | undefined
  /** A job with a lower number runs first */
  priority?: number | undefined
  /** Attempts after the first one */
  max_retries?: number | undefined
  /** The job does not run before this time; absent means at once */
  available_at?: string | undefined
  /** A second job with this key in its domain, queue and type is the first job */
  idempotency_key?: string | undefined
  /** A name that jobs of one batch share */
  batch_group?: string | undefined
  /** Uuids of jobs that must be completed before this job runs */
  depends_on?: readonly string[] | undefined
  /** The project of the job */
  project_id?: number | undefined
}

export interface EnqueueOutput extends Job {
  created: boolean
}

export interface EnqueueBatchInput {
  /** The jobs; their fields are below */
  jobs: readonly { domain: string; queue?: string | undefined; job_type: string; payload: object; owner_user_id?: string | undefined; priority?: number | undefined; max_retries?: number | undefined; available_at?: string | undefined; idempotency_key?: string | undefined; batch_group?: string | undefined; depends_on?: readonly string[] | undefined; project_id?: number | undefined }[]
}

export interface EnqueueBatchOutput {
  jobs: { id: number; uuid: string | null; domain: string; queue: string; job_type: string; owner_user_id: string | null; project_id: number | null; batch_group: string | null; idempotency_key: string | null; payload: unknown; result: unknown; status: string; priority: number | null; max_retries: number | null; retry_count: number | null; available_at: string | null; started_at: string | null; acquired_at: string | null; leased_until: string | null; lease_id: string | null; worker_id: string | null; error_message: string | null; error_code: string | null; error_class: string | null; last_error: string | null; error_stack: unknown; cancel_requested_at: string | null; cancelled_at: string | null; cancellation_reason: string | null; failure_streak_code: string | null; failure_streak_count: number | null; quarantined_at: string | null; progress_percent: number | null; progress_message: string | null; request_id: string | null; trace_id: string | null; failure_timeline: unknown; created_at: string | null; updated_at: string | null; completed_at: string | null; created: boolean }[]
}

export interface AcquireInput {
  /** The domain */
  domain: string
  /** The queue */
  queue?: string | undefined
  /** The name of the worker */
  worker_id: string
  /** The length of the lease from now on, 60 s when absent, at most `JOBS_LEASE_MAX_SECONDS`; a renewal never makes a lease shorter */
  lease_seconds?: number | undefined
  /** The most jobs to lease */
  limit?: number | undefined
  /** Only jobs of these types */
  job_types?: readonly string[] | undefined
  /** The owner of the job */
  owner_user_id?: string | undefined
  /** How long the call may wait until there is a job */
  wait_seconds?: number | undefined
}

export interface AcquireOutput {
  jobs: Job[]
}

export interface LeasedJobInput {
  /** The id of the job */
  id: number
  /** The lease under which the worker holds the job */
  lease_id: string
}

export interface LeasedJobOutput {
  id: number
  uuid: string | null
  domain: string
  queue: string
  job_type: string
  owner_user_id: string | null
  project_id: number | null
  batch_group: string | null
  idempotency_key: string | null
  payload: unknown
  result: unknown
  status: string
  priority: number | null
  max_retries: number | null
  retry_count: number | null
  available_at: string | null
  started_at: string | null
  acquired_at: string | null
  leased_until: string | null
  lease_id: string | null
  worker_id: string | null
  error_message: string | null
  error_code: string | null
  error_class: string | null
  last_error: string | null
  error_stack: unknown
  cancel_requested_at: string | null
  cancelled_at: string | null
  cancellation_reason: string | null
  failure_streak_code: string | null
  failure_streak_count: number | null
  quarantined_at: string | null
  progress_percent: number | null
  progress_message: string | null
  request_id: string | null
  trace_id: string | null
  failure_timeline: unknown
  created_at: string | null
  updated_at: string | null
  completed_at: string | null
}

export interface RenewInput {
  /** The name of the worker */
  worker_id: string
  /** The lease under which the worker holds the job */
  lease_id: string
  /** The length of the lease from now on, 60 s when absent, at most `JOBS_LEASE_MAX_SECONDS`; a renewal never makes a lease shorter */
  lease_seconds?: number | undefined
  /** The progress */
  progress_percent?: number | undefined
  /** A sentence about the progress */
  progress_message?: string | undefined
  /** The id of the job */
  id: number
}

export interface RenewOutput {
  id: number
  leased_until: string
  cancel_requested: boolean
}

export interface RenewManyInput {
  /** The jobs; their fields are below */
  jobs: readonly { worker_id: string; lease_id: string; lease_seconds?: number | undefined; progress_percent?: number | undefined; progress_message?: string | undefined; id: number }[]
}

export interface RenewManyOutput {
  results: ({ id: number; leased_until: string; cancel_requested: boolean; ok: true } | { ok: false; id: number; code: 'confirmation_required' | 'malformed_json' | 'malformed_request' | 'unauthenticated' | 'forbidden' | 'login_too_old' | 'approval_required' | 'frozen' | 'database_right_missing' | 'not_found' | 'method_not_allowed' | 'conflict' | 'queue_draining' | 'lease_lost' | 'preview_stale' | 'events_reset' | 'events_expired' | 'foreign_rows' | 'limit_exceeded' | 'too_large' | 'unsupported_media_type' | 'misdirected' | 'invalid_request' | 'preview_incomplete' | 'rate_limited' | 'quota_exceeded' | 'internal' | 'database_unavailable' | 'database_busy' | 'partial' | 'outcome_unknown' | 'sign_on_unavailable' | 'shutting_down' | 'unreachable' | 'timed_out' | 'unexpected_answer' | 'usage' | 'interrupted' | 'terminated'; detail: string })[]
}

export interface CompleteInput {
  /** The name of the worker */
  worker_id: string
  /** The lease under which the worker holds the job */
  lease_id: string
  /** Chosen by the worker: the same finish with the same token is answered as the first time */
  completion_token?: string | undefined
  /** Any JSON, at most `JOBS_MAX_JSON_BYTES` */
  result?: unknown | undefined
  /** The id of the job */
  id: number
}

export interface CompleteOutput {
  id: number
  status: string
  retry_count: number
  available_at: string | null
}

export interface FailInput {
  /** The name of the worker */
  worker_id: string
  /** The lease under which the worker holds the job */
  lease_id: string
  /** Chosen by the worker: the same finish with the same token is answered as the first time */
  completion_token?: string | undefined
  /** What went wrong, for people */
  error: string
  /** What went wrong, for programs; the same code several times in a row ends in quarantine */
  error_code?: string | undefined
  /** The class of the error */
  error_class?: string | undefined
  /** Any JSON, at most `JOBS_MAX_JSON_BYTES` */
  error_stack?: unknown | undefined
  /** False when another attempt would fail, too */
  retryable?: boolean | undefined
  /** The wait before the next attempt, 1 s when absent; it doubles with each attempt, up to an hour */
  backoff_seconds?: number | undefined
  /** The id of the job */
  id: number
}

export interface FailOutput {
  id: number
  status: string
  retry_count: number
  available_at: string | null
}

export interface ReleaseInput {
  /** The name of the worker */
  worker_id: string
  /** The lease under which the worker holds the job */
  lease_id: string
  /** Chosen by the worker: the same finish with the same token is answered as the first time */
  completion_token?: string | undefined
  /** The id of the job */
  id: number
}

export interface ReleaseOutput {
  id: number
  status: string
  retry_count: number
  available_at: string | null
}

export interface FinishManyInput {
  /** The jobs; their fields are below */
  jobs: readonly ({ action: 'complete'; worker_id: string; lease_id: string; completion_token?: string | undefined; result?: unknown | undefined; id: number } | { action: 'fail'; worker_id: string; lease_id: string; completion_token?: string | undefined; error: string; error_code?: string | undefined; error_class?: string | undefined; error_stack?: unknown | undefined; retryable?: boolean | undefined; backoff_seconds?: number | undefined; id: number } | { action: 'release'; worker_id: string; lease_id: string; completion_token?: string | undefined; id: number })[]
}

export interface FinishManyOutput {
  results: ({ id: number; status: string; retry_count: number; available_at: string | null; ok: true } | { ok: false; id: number; code: 'confirmation_required' | 'malformed_json' | 'malformed_request' | 'unauthenticated' | 'forbidden' | 'login_too_old' | 'approval_required' | 'frozen' | 'database_right_missing' | 'not_found' | 'method_not_allowed' | 'conflict' | 'queue_draining' | 'lease_lost' | 'preview_stale' | 'events_reset' | 'events_expired' | 'foreign_rows' | 'limit_exceeded' | 'too_large' | 'unsupported_media_type' | 'misdirected' | 'invalid_request' | 'preview_incomplete' | 'rate_limited' | 'quota_exceeded' | 'internal' | 'database_unavailable' | 'database_busy' | 'partial' | 'outcome_unknown' | 'sign_on_unavailable' | 'shutting_down' | 'unreachable' | 'timed_out' | 'unexpected_answer' | 'usage' | 'interrupted' | 'terminated'; detail: string })[]
}

export interface CancelInput {
  /** The id of the job */
  id: number
  /** Why, for the event */
  reason?: string | undefined
  /** End a running job now; its worker loses the lease */
  force?: boolean | undefined
}

export interface CancelOutput {
  id: number
  status: string
  cancel_requested: boolean
  dependents?: number | undefined
  dependents_elsewhere?: number | undefined
  operation_id?: number | undefined
}

export interface ControlQueueInput {
  /** The domain */
  domain: string
  /** The queue */
  queue: string
  /** `pause` and `drain` stop new leases, `resume` ends both, in upper or lower case; a queue that drains refuses new jobs, too */
  action: 'pause' | 'resume' | 'drain'
  /** Why, for the event */
  reason?: string | undefined
  /** True answers 404 for a queue that never had a job and was never stopped, and changes nothing */
  must_exist?: boolean | undefined
}

export interface ControlQueueOutput {
  paused: boolean
  drain: boolean
  known?: boolean | undefined
  before?: { paused: boolean; drain: boolean; updated_at: string | null; reason: string | null } | undefined
}

export interface QueueStatusInput {
  /** The domain */
  domain: string
  /** The queue */
  queue: string
}

export interface QueueStatusOutput {
  paused: boolean
  drain: boolean
}

export type StoppedQueuesInput = Readonly<Record<string, never>>

export type StoppedQueuesOutput = { domain: string; queue: string; paused: boolean; drain: boolean; updated_at: string | null; reason?: string | null | undefined }[]

export interface StaleQueuesInput {
  /** The domain */
  domain?: string | undefined
  /** The queue */
  queue?: string | undefined
  /** The job type */
  job_type?: string | undefined
}

export type StaleQueuesOutput = { domain: string; queue: string; count: number; oldest?: string | null | undefined; at_least?: boolean | undefined }[]

export interface SetSlaPolicyInput {
  /** The domain */
  domain: string
  /** The queue */
  queue: string
  /** The job type */
  job_type: string
  /** How long a job may wait, from its creation until a worker takes it */
  max_queue_latency_seconds?: number | undefined
  /** How long a job may run, since it was started */
  max_duration_seconds?: number | undefined
  /** False: no job is over these limits */
  enabled?: boolean | undefined
}

export interface SetSlaPolicyOutput {
  ok: true
}

export interface DeleteSlaPolicyInput {
  /** The domain */
  domain: string
  /** The queue */
  queue: string
  /** The job type */
  job_type: string
}

export interface DeleteSlaPolicyOutput {
  ok: true
}

export interface ListSlaPoliciesInput {
  /** The domain */
  domain?: string | undefined
  /** The queue */
  queue?: string | undefined
  /** The job type */
  job_type?: string | undefined
}

export type ListSlaPoliciesOutput = { domain: string; queue: string; job_type: string; max_queue_latency_seconds: number | null; max_duration_seconds: number | null; enabled: boolean; updated_at: string | null }[]

export interface ListSlaBreachesInput {
  /** The domain */
  domain?: string | undefined
  /** The queue */
  queue?: string | undefined
  /** The job type */
  job_type?: string | undefined
  /** The most rows to answer */
  limit?: number | undefined
  /** Where the page begins: part of a URL of the header `Link` */
  cursor?: string | undefined
}

export type ListSlaBreachesOutput = { job_id: number; domain: string; queue: string; job_type: string; status: string; breach_kinds: ('queue_latency' | 'duration')[]; wait_seconds?: number | undefined; max_wait_seconds?: number | undefined; processing_seconds?: number | undefined; max_processing_seconds?: number | undefined }[]

export interface EventsInput {
  /** Only events after this id; 0 means from the beginning */
  after_id?: number | undefined
  /** The domain */
  domain?: string | undefined
  /** The queue */
  queue?: string | undefined
  /** The job type */
  job_type?: string | undefined
  /** The most rows to answer */
  limit?: number | undefined
  /** The last events before this id, in place of the first ones after `after_id`; 0 means the first ones after `after_id` */
  before_id?: number | undefined
  /** `true` passes over events that have been deleted because their term was over, `false` answers 410; absent, the call passes over them after 0 alone */
  skip_expired?: boolean | undefined
  /** True for a reader that goes on from the header `X-Next-After`: where no event of its filter is found within 5 s, it gets a page without one in place of 503 */
  partial?: boolean | undefined
}

export type EventsOutput = JobEvent[]

export type CheckCountsInput = Readonly<Record<string, never>>

export interface CheckCountsOutput {
  kept: boolean
  why: string | null
  triggers?: { trigger: string; table: string; state: string }[] | undefined
  wrong: number
  mended_at: string | null
  mended: number | null
}

export type MissingIndexesInput = Readonly<Record<string, never>>

export type MissingIndexesOutput = { index: string; table: string; state: string; serves: string; for_operators: boolean; table_bytes: number; bytes_estimate: number | null }[]

export type IdleIndexesInput = Readonly<Record<string, never>>

export type IdleIndexesOutput = { index: string; bytes: number; why: string; unused_since?: string | null | undefined }[]

export interface MakeTokenInput {
  /** The name of the token, for people */
  name: string
  /** The role of the token */
  role: 'viewer' | 'auditor' | 'producer' | 'worker' | 'operator' | 'admin'
  /** A worker that may also enqueue jobs */
  may_enqueue?: boolean | undefined
  /** It may approve plans of other principals */
  approver?: boolean | undefined
  /** It may go past an approval in an emergency (`X-Emergency`) */
  may_break_glass?: boolean | undefined
  /** What the token is limited to: jobs of these `domains` and of these `queues` (`domain`, `queue`), and of them those of `job_types`; with `cascade` its changes may end dependents outside. Null limits nothing */
  scope?: { domains?: readonly string[] | undefined; queues?: readonly { domain: string; queue: string }[] | undefined; job_types?: readonly string[] | undefined; cascade?: boolean | undefined } | null | undefined
  /** The most jobs that one change of many jobs may touch, with the jobs that go along */
  max_per_change?: number | null | undefined
  /** The most jobs that the changes of all tokens of the same principal may have touched in 24 hours, for a further one to begin */
  max_per_day?: number | null | undefined
  /** Whom the token is for; the principal of the caller when absent */
  principal?: string | undefined
  /** Days until the token expires, or `never`; when absent 90, and 30 of an admin */
  expires?: number | 'never' | undefined
}

export interface MakeTokenOutput extends Token {
  token: string
}

export interface ListTokensInput {
  /** At most this many */
  limit?: number | undefined
}

export type ListTokensOutput = Token[]

export interface ShowTokenInput {
  /** The id of the token */
  id: string
}

export interface ShowTokenOutput {
  id: string
  name: string
  role: string
  may_enqueue: boolean
  approver: boolean
  may_break_glass: boolean
  scope: { domains: string[]; queues: { domain: string; queue: string }[]; job_types: string[]; cascade: boolean } | null
  max_per_change: number | null
  max_per_day: number | null
  principal: string
  made_by: string | null
  secrets_by: string[]
  created_at: string
  last_used_at: string | null
  last_used_from: string | null
  expires_at: string | null
  suspended_at: string | null
  revoked_at: string | null
  previous_until: string | null
}

export interface SetTokenRoleInput {
  /** The id of the token */
  id: string
  /** The role of the token */
  role: 'viewer' | 'auditor' | 'producer' | 'worker' | 'operator' | 'admin'
  /** A worker that may also enqueue jobs */
  may_enqueue?: boolean | undefined
  /** It may approve plans of other principals */
  approver?: boolean | undefined
  /** It may go past an approval in an emergency (`X-Emergency`) */
  may_break_glass?: boolean | undefined
}

export interface SetTokenRoleOutput {
  id: string
  name: string
  role: string
  may_enqueue: boolean
  approver: boolean
  may_break_glass: boolean
  scope: { domains: string[]; queues: { domain: string; queue: string }[]; job_types: string[]; cascade: boolean } | null
  max_per_change: number | null
  max_per_day: number | null
  principal: string
  made_by: string | null
  secrets_by: string[]
  created_at: string
  last_used_at: string | null
  last_used_from: string | null
  expires_at: string | null
  suspended_at: string | null
  revoked_at: string | null
  previous_until: string | null
}

export interface SetTokenScopeInput {
  /** The id of the token */
  id: string
  /** What the token is limited to: jobs of these `domains` and of these `queues` (`domain`, `queue`), and of them those of `job_types`; with `cascade` its changes may end dependents outside. Null limits nothing */
  scope: { domains?: readonly string[] | undefined; queues?: readonly { domain: string; queue: string }[] | undefined; job_types?: readonly string[] | undefined; cascade?: boolean | undefined } | null
}

export interface SetTokenScopeOutput {
  id: string
  name: string
  role: string
  may_enqueue: boolean
  approver: boolean
  may_break_glass: boolean
  scope: { domains: string[]; queues: { domain: string; queue: string }[]; job_types: string[]; cascade: boolean } | null
  max_per_change: number | null
  max_per_day: number | null
  principal: string
  made_by: string | null
  secrets_by: string[]
  created_at: string
  last_used_at: string | null
  last_used_from: string | null
  expires_at: string | null
  suspended_at: string | null
  revoked_at: string | null
  previous_until: string | null
}

export interface ProposePlanInput {
  /** The path of the change, such as `/api/v1/jobs/prune` */
  path: string
  /** The body of that call; of an undo with the `id` of the operation */
  request: Record<string, unknown>
}

export interface ProposePlanOutput extends Plan {
  request: Record<string, unknown>
  preview: { as_of: string; expires_at: string; count: number; complete?: boolean | undefined; count_at_least?: number | undefined; groups: Group[]; oldest: string | null; newest: string | null; reasons?: { reason: string; count: number }[] | undefined; dependents?: number | undefined; dependents_elsewhere?: number | undefined; restorable?: number | undefined; no_way_back?: string | undefined; kept_by_hold?: number | undefined; still_matching?: number | undefined; bytes_estimate: number; archive_bytes?: number | undefined; archive_full?: { bytes: number; limit: number } | undefined; kept_days?: number | null | undefined; wal_bytes?: number | undefined; not_watched?: string[] | undefined; foreign_rows?: { table: string; action: string; rows: number | null }[] | undefined; foreign_holders?: { table: string; jobs: number; job_id: number }[] | undefined; sample_ids: number[]; eta_seconds: number; [name: string]: unknown }
  still_matching: number | null
  rest_operation_id?: number | null | undefined
}

export interface ListPlansInput {
  /** Only plans in this state */
  state?: 'waiting' | 'approved' | 'rejected' | 'applied' | 'expired' | 'withdrawn' | 'stale' | undefined
  /** At most this many */
  limit?: number | undefined
}

export type ListPlansOutput = Plan[]

export interface ShowPlanInput {
  /** The id of the plan */
  id: number
}

export interface ShowPlanOutput extends Plan {
  request: Record<string, unknown>
  preview: { as_of: string; expires_at: string; count: number; complete?: boolean | undefined; count_at_least?: number | undefined; groups: Group[]; oldest: string | null; newest: string | null; reasons?: { reason: string; count: number }[] | undefined; dependents?: number | undefined; dependents_elsewhere?: number | undefined; restorable?: number | undefined; no_way_back?: string | undefined; kept_by_hold?: number | undefined; still_matching?: number | undefined; bytes_estimate: number; archive_bytes?: number | undefined; archive_full?: { bytes: number; limit: number } | undefined; kept_days?: number | null | undefined; wal_bytes?: number | undefined; not_watched?: string[] | undefined; foreign_rows?: { table: string; action: string; rows: number | null }[] | undefined; foreign_holders?: { table: string; jobs: number; job_id: number }[] | undefined; sample_ids: number[]; eta_seconds: number; [name: string]: unknown }
  still_matching: number | null
  rest_operation_id?: number | null | undefined
}

export interface ApprovePlanInput {
  /** The id of the plan */
  id: number
  /** The `digest` of the plan as it was read */
  digest: string
}

export interface ApprovePlanOutput {
  id: number
  state: string
  kind: string
  path: string
  domain: string | null
  queue: string | null
  job_type: string | null
  scope: { domains: string[]; queues: { domain: string; queue: string }[]; job_types: string[]; cascade: boolean } | null
  count: number
  dependents: number
  digest: string
  reason: string
  author: string
  author_principal: string | null
  created_at: string
  expires_at: string
  decision?: 'approved' | 'rejected' | null | undefined
  decided_by: string | null
  decided_principal: string | null
  decided_reason: string | null
  decided_at: string | null
  operation_id: number | null
}

export interface RejectPlanInput {
  /** The id of the plan */
  id: number
  /** The `digest` of the plan as it was read */
  digest: string
}

export interface RejectPlanOutput {
  id: number
  state: string
  kind: string
  path: string
  domain: string | null
  queue: string | null
  job_type: string | null
  scope: { domains: string[]; queues: { domain: string; queue: string }[]; job_types: string[]; cascade: boolean } | null
  count: number
  dependents: number
  digest: string
  reason: string
  author: string
  author_principal: string | null
  created_at: string
  expires_at: string
  decision?: 'approved' | 'rejected' | null | undefined
  decided_by: string | null
  decided_principal: string | null
  decided_reason: string | null
  decided_at: string | null
  operation_id: number | null
}

export interface ApplyPlanInput {
  /** The id of the plan */
  id: number
  /** The `digest` of the plan as it was read; without it, the plan is taken as it is */
  digest?: string | undefined
  /** At most so many jobs a second */
  rate?: number | undefined
  /** No batch begins after this time; the change then ends as `partial` */
  until?: string | undefined
  /** Of a plan with `limit`, after its first jobs: the `rest_token` of that answer applies the plan to the other jobs */
  rest_token?: string | undefined
}

export interface ApplyPlanOutput {
  preview?: Preview | undefined
  operation_id?: number | undefined
  batches?: number | undefined
  elapsed_ms?: number | undefined
  dependents?: number | undefined
  dependents_elsewhere?: number | undefined
  skipped?: number | undefined
  skipped_locked?: number | undefined
  [name: string]: unknown
}

export type ShowApprovalInput = Readonly<Record<string, never>>

export interface ShowApprovalOutput {
  above: number | null
  above_in_database: number | null
  above_on_server: number | null
  to_review: { operation_id: number; caller: string; principal: string | null }[]
}

export interface SetApprovalInput {
  /** The most jobs of a change without an approval; null means that no change needs one */
  above: number | null
}

export interface SetApprovalOutput {
  above: number | null
  above_in_database: number | null
  above_on_server: number | null
  to_review: { operation_id: number; caller: string; principal: string | null }[]
}

export interface ReviewOperationInput {
  /** The id of the operation */
  id: number
}

export interface ReviewOperationOutput {
  above: number | null
  above_in_database: number | null
  above_on_server: number | null
  to_review: { operation_id: number; caller: string; principal: string | null }[]
}

export interface SetTokenLimitsInput {
  /** The id of the token */
  id: string
  /** The most jobs that one change of many jobs may touch, with the jobs that go along */
  max_per_change?: number | null | undefined
  /** The most jobs that the changes of all tokens of the same principal may have touched in 24 hours, for a further one to begin */
  max_per_day?: number | null | undefined
}

export interface SetTokenLimitsOutput {
  id: string
  name: string
  role: string
  may_enqueue: boolean
  approver: boolean
  may_break_glass: boolean
  scope: { domains: string[]; queues: { domain: string; queue: string }[]; job_types: string[]; cascade: boolean } | null
  max_per_change: number | null
  max_per_day: number | null
  principal: string
  made_by: string | null
  secrets_by: string[]
  created_at: string
  last_used_at: string | null
  last_used_from: string | null
  expires_at: string | null
  suspended_at: string | null
  revoked_at: string | null
  previous_until: string | null
}

export interface SuspendTokenInput {
  /** The id of the token */
  id: string
}

export interface SuspendTokenOutput {
  id: string
  name: string
  role: string
  may_enqueue: boolean
  approver: boolean
  may_break_glass: boolean
  scope: { domains: string[]; queues: { domain: string; queue: string }[]; job_types: string[]; cascade: boolean } | null
  max_per_change: number | null
  max_per_day: number | null
  principal: string
  made_by: string | null
  secrets_by: string[]
  created_at: string
  last_used_at: string | null
  last_used_from: string | null
  expires_at: string | null
  suspended_at: string | null
  revoked_at: string | null
  previous_until: string | null
}

export interface ResumeTokenInput {
  /** The id of the token */
  id: string
}

export interface ResumeTokenOutput {
  id: string
  name: string
  role: string
  may_enqueue: boolean
  approver: boolean
  may_break_glass: boolean
  scope: { domains: string[]; queues: { domain: string; queue: string }[]; job_types: string[]; cascade: boolean } | null
  max_per_change: number | null
  max_per_day: number | null
  principal: string
  made_by: string | null
  secrets_by: string[]
  created_at: string
  last_used_at: string | null
  last_used_from: string | null
  expires_at: string | null
  suspended_at: string | null
  revoked_at: string | null
  previous_until: string | null
}

export interface RotateTokenInput {
  /** The id of the token */
  id: string
  /** Seconds for which the old secret works on, up to 7 days; 0 ends it at once */
  overlap_seconds?: number | undefined
}

export interface RotateTokenOutput extends Token {
  token: string
}

export interface RevokeTokenInput {
  /** The id of the token */
  id: string
  /** Also the tokens that it made or rotated, and those that they made or rotated */
  tree?: boolean | undefined
}

export interface RevokeTokenOutput {
  id: string
  name: string
  role: string
  may_enqueue: boolean
  approver: boolean
  may_break_glass: boolean
  scope: { domains: string[]; queues: { domain: string; queue: string }[]; job_types: string[]; cascade: boolean } | null
  max_per_change: number | null
  max_per_day: number | null
  principal: string
  made_by: string | null
  secrets_by: string[]
  created_at: string
  last_used_at: string | null
  last_used_from: string | null
  expires_at: string | null
  suspended_at: string | null
  revoked_at: string | null
  previous_until: string | null
}

export interface ListCallersInput {
  /** At most this many */
  limit?: number | undefined
}

export type ListCallersOutput = { id: string; name: string; issuer: string | null; subject: string | null; seen_at: string; blocked_at: string | null }[]

export interface BlockCallerInput {
  /** The caller as records name it, `oidc:…` */
  caller: string
}

export interface BlockCallerOutput {
  caller: string
  changed: boolean
}

export interface UnblockCallerInput {
  /** The caller as records name it, `oidc:…` */
  caller: string
}

export interface UnblockCallerOutput {
  caller: string
  changed: boolean
}

export interface OpenSessionInput {
  /** The API key, or a token */
  key: string
}

export interface OpenSessionOutput {
  id: string
  name: string
  role: string
  principal: string
  scope?: { domains: string[]; queues: { domain: string; queue: string }[]; job_types: string[]; cascade: boolean } | null | undefined
  limits?: { max_per_change: number | null; max_per_day: number | null; changed_today: number } | null | undefined
  approval_above?: number | null | undefined
  may: string[]
  without_role?: number | undefined
  session: { id: string; opened_at: string; ends_at: string; idle_seconds: number; asked_again_at: string }
}

export type ShowSessionInput = Readonly<Record<string, never>>

export interface ShowSessionOutput {
  ways: string[]
  caller: { id: string; name: string; role: string; principal: string; scope?: { domains: string[]; queues: { domain: string; queue: string }[]; job_types: string[]; cascade: boolean } | null | undefined; limits?: { max_per_change: number | null; max_per_day: number | null; changed_today: number } | null | undefined; approval_above?: number | null | undefined; may: string[]; without_role?: number | undefined; session: { id: string; opened_at: string; ends_at: string; idle_seconds: number; asked_again_at: string } } | null
}

export interface EndSessionInput {
  /** All sessions of the caller, in every browser; else the one of the call */
  everywhere?: boolean | undefined
}

export interface EndSessionOutput {
  ended: number
}

export type ShowCallerInput = Readonly<Record<string, never>>

export interface ShowCallerOutput {
  id: string
  name: string
  role: string
  principal: string
  scope?: { domains: string[]; queues: { domain: string; queue: string }[]; job_types: string[]; cascade: boolean } | null | undefined
  limits?: { max_per_change: number | null; max_per_day: number | null; changed_today: number } | null | undefined
  approval_above?: number | null | undefined
  may: string[]
  without_role?: number | undefined
  session?: { id: string; opened_at: string; ends_at: string; idle_seconds: number; asked_again_at: string } | undefined
}

export type StorageInput = Readonly<Record<string, never>>

export interface StorageOutput {
  archive_before_delete: boolean
  archive_lacks: string[]
  archive_days: number
  differing_settings: { setting: string; values: { server: string; value: string }[] }[]
  rights?: { role: string; is_admin: boolean; row_security: string[]; closed: string[]; lacks: string[]; denied: string[] } | undefined
  event_log?: { kind: 'steps' | 'audit'; days: number | null; oldest: string | null }[] | undefined
  frozen?: { by: string; since: string; reason: string } | null | undefined
  cloned?: string[] | undefined
  restores_not_noticed?: string[] | undefined
  installation_known?: boolean | undefined
  history_triggers?: { trigger: string; table: string; state: string }[] | undefined
  background?: boolean | undefined
  tables: { table: string; rows: number; bytes: number; oldest: string | null; days?: number | undefined; swept_at?: string | undefined }[]
}

export interface EventStreamInput {
  /** Only events after this id; 0 means from the beginning */
  after_id?: number | undefined
  /** The domain */
  domain?: string | undefined
  /** The queue */
  queue?: string | undefined
  /** The job type */
  job_type?: string | undefined
  /** `job` asks for the messages of the other server beside the events: `event: ping` at the beginning, and `data: {"heartbeat": true}` after each second of silence */
  event?: 'job' | undefined
}

export interface StatsStreamInput {
  /** The domain */
  domain?: string | undefined
  /** The queue */
  queue?: string | undefined
  /** The job type */
  job_type?: string | undefined
  /** Above so many groups, those of a queue are sent as one, and above so many queues those of a domain */
  most?: number | undefined
}
